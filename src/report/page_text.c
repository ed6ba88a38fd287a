/* page_text.c: style and words of the page. */
#include "page_text.h"

const char rj_page_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'\">\n<title>resjac report</title>\n<style>\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:64rem;padding:1rem 1.2rem 4rem;color:#1c2733;background:#fff;"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:1rem 0 .3rem}\n"
    "h2{font-size:1.3rem;margin:2.6rem 0 .6rem;padding-top:.8rem;border-top:1px solid "
    "#d5dde5;overflow-wrap:anywhere}\n"
    "h3{font-size:1.05rem;margin:0 0 .4rem}\n"
    "p,li,figcaption{max-width:46rem}\n"
    "nav ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem}\n"
    "nav li{overflow-wrap:anywhere}\n"
    "a{color:#21609f}\n"
    ".scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}\n"
    ".long{max-height:44rem;overflow-y:auto}\n"
    "nav summary{cursor:pointer;margin-top:.4rem}\n"
    "table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.35rem .6rem;border-bottom:1px solid #e3e9ef;text-align:left;vertical-align:top}\n"
    "thead th{text-align:right;vertical-align:bottom;border-bottom:2px solid #9fb4c8;min-width:4.4rem}\n"
    "thead th:first-child,.summary thead th:nth-child(2),.summary thead th:last-child,.scores thead "
    "th:nth-child(2){text-align:left}\n"
    ".summary td:last-child{min-width:12rem}\n"
    ".scores tbody th{min-width:15rem}\n"
    "tbody th{font-weight:600;overflow-wrap:anywhere;min-width:9rem;max-width:18rem}\n"
    "td.number{text-align:right;white-space:nowrap}\n"
    "figure{margin:1.6rem 0 2.4rem}\n"
    "figure img{display:block;width:100%;height:auto}\n"
    "figure.narrow img{min-width:38rem;max-width:38rem}\n"
    "figure.wide img{min-width:55rem}\n" /* so wide that no letter of theirs is below 12 pixels */
    "figcaption{font-size:.9rem;color:#3c4a58;margin-top:.5rem}\n"
    ".files{font-size:.85rem}\n"
    ".failed{border-left:4px solid #c0392b;padding:.3rem .8rem;overflow-wrap:anywhere}\n"
    "dl{display:grid;grid-template-columns:minmax(7rem,13rem) 1fr;gap:.3rem 1rem;font-size:.86rem}\n"
    "dt{font-weight:600;overflow-wrap:anywhere}\n"
    "dd{margin:0;overflow-wrap:anywhere}\n"
    "pre{margin:0;padding:.6rem;background:#f3f6f9;overflow-x:auto;white-space:pre-wrap;overflow-wrap:"
    "anywhere;"
    "font-size:.82rem}\n"
    "@media (max-width:40rem){dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}}\n"
    "@media print{body{max-width:none}figure "
    "img{min-width:0!important}.long{max-height:none}figure{break-inside:avoid}}\n"
    "</style>\n</head>\n<body>\n";

const char rj_page_introduction[] =
    "<p>A transformer is read here as a dynamical system: block after block adds to a running state, the "
    "residual stream. "
    "The derivative of what one block adds is its <b>residual Jacobian</b>. This report shows how strongly "
    "those Jacobians "
    "act, whether different blocks act along the same directions (<b>coupling</b>), how much of that chance "
    "alone would "
    "give (<b>null</b>), and what the path of the state through the blocks looks like. A <b>random-init "
    "twin</b> is "
    "the same architecture with untrained weights: what it shows too was not learned.</p>\n"
    "<p>Each figure has its numbers as CSV and its gnuplot script beside this page.</p>\n";

const rj_page_words rj_page_opening[RJ_SECTION_MODEL] = {
    [RJ_SECTION_CHANCE] =
        {"chance", "More than chance?",
         "<p>Unrelated directions agree by chance, and any architecture may impose some agreement. So "
         "coupling counts as far as it exceeds its chance level, and as far as it exceeds what the same "
         "architecture shows untrained.</p>\n"},
    [RJ_SECTION_TRAINING] =
        {"training", "Does it come with training?",
         "<p>Checkpoints of one run tell when coupling comes, and whether the score comes with it.</p>\n"},
    [RJ_SECTION_SHAPE] =
        {"paths", "What do the paths look like?",
         "<p>The same token, block after block: a straight path has the line-shape score 1, and exponential "
         "growth of its norm the expodistance 0. Training was found to make paths straighter.</p>\n"},
    [RJ_SECTION_CERTIFICATES] = {"certificates", "Can the numbers be trusted?",
                                 "<p>Every singular triplet is checked against the Jacobian itself. The "
                                 "<b>residual</b> is ||<i>Jv</i> &minus; "
                                 "<i>su</i>|| or ||<i>J</i>&#8242;<i>u</i> &minus; <i>sv</i>||, over "
                                 "<i>s</i><sub>1</sub>, of the leading <i>K</i> "
                                 "triplets. The <b>orthogonality loss</b> says how far the directions are "
                                 "from perpendicular. A <b>flagged gap</b> is "
                                 "a block whose leading <i>K</i> singular values lie so close together "
                                 "(relative gap below 1e-5) that single "
                                 "directions, and so its coupling, are not well determined. A <b>block at a "
                                 "kink</b> has a unit so near to a kink of "
                                 "its activation that the derivative may be that of the other side. The "
                                 "table also counts by which method blocks were "
                                 "decomposed: in full, or the leading triplets by a Krylov process.</p>\n"},
    [RJ_SECTION_SCORES] =
        {"scores", "Does it go along with the score?",
         "<p>One point is a <b>lineage</b>: models that share their pre-training are not independent, so "
         "their means are "
         "correlated. <b>p</b> is for the pair named beforehand (primary), <b>q</b> (Benjamini-Yekutieli) "
         "for the others, "
         "which are many. <b>r given L, d</b> holds the number of blocks and the width fixed. Measures that "
         "only tell the "
         "size of a model (ln_parameters, n_layers, d_model) or what chance gives (coupling_null) are "
         "rivals. Columns "
         "marked iid take every model as independent, which overstates the evidence.</p>\n"},
};
