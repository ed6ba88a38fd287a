/* place.c: a fixed list of positions around a point, the first that is free; what the eye expects comes first. */
#include "place.h"

#include <string.h>

enum { MARK = 5 }; /* half the side of a point's square, pixels */

/* Where the name's near edge lies: -1 left of the point, 0 middle, 1 right; and above or below, in lines. */
static const struct {
    int side;
    double lines;
} position[] = {{1, 0},   {-1, 0},   {1, 0.7}, {1, -0.7}, {-1, 0.7}, {-1, -0.7},
                {0, 1.1}, {0, -1.1}, {1, 1.2}, {1, -1.2}, {-1, 1.2}, {-1, -1.2}};
enum { N_POSITIONS = sizeof position / sizeof position[0] };

double rj_place_width(const char *text, int font)
{
    return 0.56 * font * (double)strlen(text);
}

static rj_box box_of(const rj_placed *p, double x, double y, double height)
{
    return (rj_box){x, x + p->width, y - height / 2.0, y + height / 2.0};
}

static bool overlap(const rj_box *a, const rj_box *b)
{
    return a->left < b->right && b->left < a->right && a->bottom < b->top && b->bottom < a->top;
}

static bool is_free(int n, const rj_placed *point, const rj_box *box, double height, const rj_box *name)
{
    bool is = box->left <= name->left && name->right <= box->right && box->bottom <= name->bottom &&
              name->top <= box->top;

    for (int i = 0; i < n && is; i++) {
        const rj_placed *p = &point[i];
        const rj_box mark = {p->x - MARK, p->x + MARK, p->y - MARK, p->y + MARK};
        is = !overlap(&mark, name);
        if (!is || !p->placed) continue;
        const rj_box other = box_of(p, p->name_x, p->name_y, height);
        is = !overlap(&other, name);
    }
    return is;
}

void rj_place_names(int n, rj_placed *point, const rj_box *box, double height)
{
    const double gap = MARK + 2.0;

    for (int i = 0; i < n; i++) point[i].placed = false;
    for (int i = 0; i < n; i++)
        for (int c = 0; c < N_POSITIONS && point[i].width > 0.0 && !point[i].placed; c++) {
            rj_placed *p = &point[i];
            const double x = position[c].side > 0   ? p->x + gap
                             : position[c].side < 0 ? p->x - gap - p->width
                                                    : p->x - p->width / 2.0;
            const double y = p->y + position[c].lines * height;
            const rj_box name = box_of(p, x, y, height);
            if (!is_free(n, point, box, height, &name)) continue;
            p->placed = true;
            p->name_x = x;
            p->name_y = y;
        }
}
