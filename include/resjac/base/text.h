/* text.h: texts out of files, for people. */
#ifndef RESJAC_BASE_TEXT_H
#define RESJAC_BASE_TEXT_H

/* A name in a file may hold escape sequences, which must not reach a terminal: each control character (C0, DEL, C1) and each
 * byte that is no UTF-8 becomes "?", in place. */
void rj_text_clean(char *text);
#endif
