/* place.h: names beside points so that no two of them overlap. Private to report. */
#ifndef RESJAC_REPORT_PLACE_H
#define RESJAC_REPORT_PLACE_H

#include <stdbool.h>

/* In pixels, y upwards. */
typedef struct {
    double left, right, bottom, top;
} rj_box;

/* One point and its name. */
typedef struct {
    double x, y, width; /* width of the name; 0: none, only in the way */
    bool placed;        /* [out] false: there was no room */
    double name_x;      /* [out] left end of the name; its middle line is name_y */
    double name_y;      /* [out] */
} rj_placed;

/* Pixels that a text takes, estimated at 0.56 of the type's size a character. */
double rj_place_width(const char *text, int font);

/* Places the names in turn, each as near to its point as is free of other names, of all points and of the box's edge.
 *   height [in] of a line of names, pixels
 * Not collective. O(n^2). */
void rj_place_names(int n, rj_placed *point, const rj_box *box, double height);
#endif
