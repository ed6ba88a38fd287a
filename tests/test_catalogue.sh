#!/usr/bin/env bash
# test_catalogue.sh: input/models.csv is what its readers and input/README.md say.
set -euo pipefail
table=$(dirname "$0")/../input/models.csv

awk -F, '
    function bad(what) { printf "models.csv:%d: %s: %s\n", NR, $1, what; n_bad++ }
    NR == 1 { n = NF; for (i = 1; i <= NF; i++) at[$i] = i; next }
    NF != n { bad(NF " cells, the head has " n) }
    /["\r]/ { bad("a quote or a carriage return") }
    seen[$1]++ { bad("twice") }
    there[$at["repository"]]++ { bad("repository " $at["repository"] " twice") }
    $at["repository"] !~ /^[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+$/ { bad("repository") }
    $at["revision"] ~ /[^0-9a-f]/ || ($at["revision"] != "" && length($at["revision"]) != 40) { bad("revision " $at["revision"]) }
    ($at["revision"] == "") != ($at["revision_source"] == "") { bad("revision without source, or the other way round") }
    $at["licence"] == "" || $at["family"] == "" || $at["lineage"] == "" { bad("licence, family or lineage is empty") }
    $at["gated"] !~ /^(yes|no)$/ || $at["list"] !~ /^(reference|more)$/ { bad("gated or list") }
    ($at["paper"] == "") != ($at["list"] == "more") { bad("paper") }
    $at["layers"] !~ /^[0-9]+$/ || $at["width"] !~ /^[0-9]+$/ || $at["parameters"] !~ /^[0-9]+$/ { bad("sizes") }
    $at["v1_average"] != "" {
        sum = 0
        for (i = at["v1_arc"]; i <= at["v1_gsm8k"]; i++) sum += $i
        if ((d = sum / 6 - $at["v1_average"]) > 0.011 || d < -0.011) bad("v1_average is not the mean of the six: " sum / 6)
    }
    { lists[$at["list"]]++; papers[$at["paper"]]++ }
    $at["list"] == "reference" && $at["v1_average"] != "" { lineages[$at["lineage"]] = 1 }
    END {
        for (l in lineages) n_lineages++
        if (NR != 115 || lists["reference"] != 45 || papers["likely"] != 38 || n_lineages != 11) {
            printf "%d rows, %d of the reference, %d likely, %d lineages\n", NR, lists["reference"], papers["likely"], n_lineages
            n_bad++
        }
        exit n_bad > 0
    }' "$table"
echo "catalogue: sound"
