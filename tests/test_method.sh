#!/usr/bin/env bash
# test_method.sh: docs/method.md names functions and files that are there, and has every variable of the output and every statistic.
set -u
cd "$(dirname "$0")/.." || exit 1
page=docs/method.md
failures=0 checks=0
fail() { failures=$((failures + 1)); echo "FAILED: $*"; }

for function in $(grep -oE '`rj_[a-z0-9_]+' $page | tr -d '`' | sort -u); do
  checks=$((checks + 1))
  grep -rqE "\b$function\(" --include=*.h include || fail "$page names $function, which no header has"
done
for file in $(grep -oE '`(src|tests)/[a-z0-9_./]+' $page | tr -d '`' | sort -u); do
  checks=$((checks + 1))
  [ -e "$file" ] || fail "$page names $file, which is not there"
done
# facts about a prompt or a run are no measures
facts=' n_tokens last_token_id prompt_status prompt_seconds '
for variable in $(sed -nE 's/^ *\[RJ_VAR_[A-Z0-9_]+\] *= *\{?"([a-z0-9_]+)".*/\1/p; s/^ *\{"([a-z0-9_]+)", "1".*/\1/p' src/store/schema.c | sort -u) \
  $(sed -nE 's/^    \{"([a-z0-9_]+)", ".*/\1/p' src/stats/correlate.c); do
  case $facts in *" $variable "*) continue ;; esac
  checks=$((checks + 1))
  case $variable in
    subspace_*) name='subspace_uu' ;;
    n_models | n_lineages) continue ;; # counts
    *) name=$variable ;;
  esac
  grep -q "\`$name\`" $page || fail "$page does not define $variable"
done
[ "$checks" -gt 80 ] || fail "only $checks checks: the tables in src are not read"
[ "$failures" -eq 0 ] && echo "$checks functions, files and variables of $page are there"
exit "$failures"
