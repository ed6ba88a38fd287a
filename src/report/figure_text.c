/* figure_text.c: what a newcomer needs to read each kind of figure. */
#include "resjac/report/figure.h"

const rj_figure_words rj_figure_text[RJ_N_FIGURE_KINDS] = {
    [RJ_FIGURE_COUPLING] =
        {.title = "Coupling between blocks",
         .section = RJ_SECTION_MODEL,
         .wide = true,
         .caption = "Each block <i>l</i> adds <i>f<sup>l</sup>(x)</i> to the residual stream; its "
                    "residual Jacobian <i>J<sup>l</sup></i> is the derivative of that addition. A cell "
                    "asks: do the leading <i>K</i> singular directions of block <i>j</i> also diagonalise"
                    " the Jacobian of block <i>i</i>? <b>Misfit</b> 0 means yes, exactly. <b>Null</b> is "
                    "the misfit that unrelated directions would give, on the same colour scale. "
                    "<b>Excess</b> = 1 &minus; misfit/null: 0 is chance, 1 is perfect coupling. Brighter "
                    "is more coupled. The diagonal (<i>i</i> = <i>j</i>) fits by construction and is "
                    "greyed out. Means over prompts; a model and its twin share their colour scales."},
    [RJ_FIGURE_DISTANCE] =
        {.title = "Coupling by distance",
         .section = RJ_SECTION_MODEL,
         .wide = false,
         .caption = "Mean excess coupling of pairs of blocks that lie |<i>i</i> &minus; <i>j</i>| apart, "
                    "for each <i>K</i>; bands: standard deviation over those pairs. Dashed: the "
                    "random-init twin. Coupling that falls off fast is between neighbours; coupling that "
                    "stays is a property of the whole stack. The far end rests on few pairs: two at the "
                    "largest distance."},
    [RJ_FIGURE_SINGULAR] =
        {.title = "Singular values over depth",
         .section = RJ_SECTION_MODEL,
         .wide = true,
         .caption = "The leading singular values <i>s<sub>k</sub></i> of each block's residual Jacobian "
                    "say how strongly the block acts on its most sensitive directions. Lines: geometric "
                    "mean over prompts; bands: one standard deviation of ln <i>s<sub>k</sub></i>. Where "
                    "there is a twin, an untrained copy of the same architecture stands beside it on the "
                    "same axis."},
    [RJ_FIGURE_GROWTH] =
        {.title = "Growth of the hidden state",
         .section = RJ_SECTION_MODEL,
         .wide = false,
         .caption = "The norm of the last token's hidden state after each block, as a logarithm: a "
                    "straight line is exponential growth over depth. Thin lines: prompts (evenly chosen "
                    "if there are many); bold: mean over all prompts; dashed: the fitted exponential. The"
                    " line-shape score is 1 for a perfectly straight path and larger for a winding one."},
    [RJ_FIGURE_TRAJECTORY] =
        {.title = "Path of the last token",
         .section = RJ_SECTION_MODEL,
         .wide = false,
         .caption = "The hidden states of several prompts from input (circle) to last block (square), "
                    "seen on their two leading principal components; each path has components of its own,"
                    " their signs chosen so that it starts at the lower left. The colour is the depth. A "
                    "regular path shows blocks that act together."},
    [RJ_FIGURE_TWIN] =
        {.title = "Trained against untrained",
         .section = RJ_SECTION_MODEL,
         .wide = false,
         .caption = "Mean excess coupling over all pairs of different blocks, for each <i>K</i>; "
                    "whiskers: standard deviation over those pairs. The twin has the same architecture "
                    "and random weights, so what it shows is not learned."},
    [RJ_FIGURE_ALIGNMENT] =
        {.title = "Jacobians in the directions of other blocks",
         .section = RJ_SECTION_MODEL,
         .wide = true,
         .caption = "What one cell of the coupling maps summarises, for one prompt. Each small picture is"
                    " a matrix: the Jacobian of block <i>i</i> (row of pictures) seen in the leading "
                    "singular directions of block <i>j</i> (column of pictures), "
                    "|<i>U<sub>j</sub></i>&#8242; <i>J<sub>i</sub></i> <i>V<sub>j</sub></i>|; its first "
                    "row and column, top left, belong to the strongest direction. Colours are "
                    "logarithmic, and relative to the largest singular value of <i>J<sub>i</sub></i>: 1 "
                    "is as strong as block <i>i</i> can be, 0.001 or less is darkest. Where <i>i</i> = "
                    "<i>j</i> a picture is diagonal by construction, its diagonal the singular values. A "
                    "bright diagonal elsewhere is coupling: block <i>i</i> stretches the very directions "
                    "of block <i>j</i>, one by one. A bright corner without a diagonal says that the "
                    "blocks share a space but mix its directions; a dark or even picture, that they have "
                    "nothing to do with each other. At most six blocks are shown, evenly chosen."},
    [RJ_FIGURE_OVERVIEW] =
        {.title = "Excess coupling of all models",
         .section = RJ_SECTION_CHANCE,
         .wide = true,
         .caption = "Mean excess coupling over pairs of different blocks, model by model; whiskers: "
                    "standard deviation over those pairs. Filled: trained; open: random-init twin."},
    [RJ_FIGURE_DISTANCES] =
        {.title = "Coupling by distance, all models",
         .section = RJ_SECTION_CHANCE,
         .wide = false,
         .caption = "Mean excess coupling of pairs of blocks against their distance as a share of the "
                    "depth, |<i>i</i> &minus; <i>j</i>|/<i>L</i>, so that models of different depth can "
                    "be compared. Thin lines: models; bold: their mean, where all have a value. Orange: "
                    "random-init twins."},
    [RJ_FIGURE_EMERGENCE] =
        {.title = "Emergence over training",
         .section = RJ_SECTION_TRAINING,
         .wide = true,
         .caption = "Checkpoints of one training run. Left: excess coupling over pairs of different "
                    "blocks for each <i>K</i>, with 95 % intervals over prompts; 0 is chance. Dashed: the"
                    " random-init twin, which no training has touched. Middle: the line-shape score, 1 "
                    "for a straight path. Right: the benchmark score of the same checkpoints, where there"
                    " is one. Steps are on a logarithmic axis where they span much; step 0 then stands at"
                    " the left end. Checkpoints of one run are not independent of each other."},
    [RJ_FIGURE_SCORES] =
        {.title = "Measure against score",
         .section = RJ_SECTION_SCORES,
         .wide = true,
         .caption = "Left: each small mark is a trained model, its shape and colour those of its lineage "
                    "(models that share their pre-training); grey bars: 95 % of what another choice of "
                    "prompts would give. Large open marks are means of lineages with several models. The "
                    "line and its 95 % band are fitted to the means of lineages, and the correlation and "
                    "the p in the title are theirs, because models of one lineage are not independent. "
                    "Dotted: chance, where it is in view; orange ticks at the bottom: random-init twins, "
                    "which have no score. A model whose name had no room is named in the numbers. Right: "
                    "the same scores against two rivals, the chance level of the same coupling and the "
                    "size of the model. A measure that tells no more than these has little to say."},
    [RJ_FIGURE_FOREST] =
        {.title = "All measures against the score",
         .section = RJ_SECTION_SCORES,
         .wide = true,
         .caption = "Correlation of the means of lineages with the score, for every measure and every "
                    "rival. Filled: as it is, with its 95 % interval over lineages; open: with the number"
                    " of blocks and the width held fixed. The column on the right has the p of the "
                    "measure that was named beforehand, and q (Benjamini-Yekutieli) of the others. Where "
                    "the test is missing the reason stands in its place."},
    [RJ_FIGURE_MATRIX] =
        {.title = "Measures, rivals and benchmarks with each other",
         .section = RJ_SECTION_SCORES,
         .wide = true,
         .caption = "Correlations of trained models. Below the diagonal: Pearson correlation of the means"
                    " of lineages; above it: Spearman rank correlation of models, taken as independent. "
                    "Measures that agree with each other, or with the size of a model, do not count "
                    "twice. A dash: not enough models or no variance."},
    [RJ_FIGURE_MODES] =
        {.title = "Tokens against tokens",
         .section = RJ_SECTION_MODEL,
         .wide = false,
         .caption = "Mean excess coupling between different tokens of one block, over pairs and prompts, "
                    "against depth; bands: one standard deviation. <b>self</b>: the Jacobians of tokens "
                    "by themselves. <b>fixed_input</b>: those of two tokens by one earlier token. "
                    "<b>fixed_output</b>: those of one token by two earlier ones. Dashed: the random-init"
                    " twin."},
    [RJ_FIGURE_TOKENS] =
        {.title = "Pairs of tokens",
         .section = RJ_SECTION_MODEL,
         .wide = true,
         .caption = "The same question as between blocks, asked between the tokens of one block: do the "
                    "leading <i>K</i> singular directions of token <i>j</i> diagonalise the Jacobian of "
                    "token <i>i</i>? 0 is chance, 1 is perfect. Numbers at the axes are places in the "
                    "prompt, from 0, or from its end where negative. White: not measured, not in the "
                    "prompt, outside of the window, or <i>K</i> above the numerical rank. The diagonal "
                    "fits by construction and is greyed out. Means over prompts; at most six blocks, "
                    "evenly chosen."},
    [RJ_FIGURE_INFLUENCE] =
        {.title = "Influence of each token on the last",
         .section = RJ_SECTION_MODEL,
         .wide = true,
         .caption = "The derivative of a block's output at the last token by the state of each token. Its"
                    " Frobenius norm says how strongly a token is felt, its participation ratio and "
                    "effective rank through how many directions. White: outside of the window."},
    [RJ_FIGURE_SHAPE] =
        {.title = "Line-shape score and expodistance",
         .section = RJ_SECTION_SHAPE,
         .wide = true,
         .caption = "Each row is a model: whiskers reach over all prompts, the box over the middle half, "
                    "the dot is the median. The <b>line-shape score</b> is 1 for a perfectly straight "
                    "path and larger for a winding one; the <b>expodistance</b> is 0 where every block "
                    "multiplies the norm by the same factor. Scales are logarithmic where values spread "
                    "widely."},
    [RJ_FIGURE_CERTIFICATES] =
        {.title = "Residuals, orthogonality and gaps",
         .section = RJ_SECTION_CERTIFICATES,
         .wide = true,
         .caption = "Each line reaches from the median over prompts and blocks to the worst, which has "
                    "the dot: the largest residual and orthogonality loss, the smallest gap. A gap below "
                    "the dashed line is flagged. All scales are logarithmic."},
};
