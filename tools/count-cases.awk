# Counts test cases in the output of `ctest -V`: prints "PASSED FAILED SKIPPED".
# A doctest program counts with its cases; one of them that says MESSAGE "skipped: ..." is skipped, not passed.
# A program that closes with a line "N passed, N failed, N skipped" counts with that. Any other program is one case.
function number(text) { sub(/[^0-9]*/, "", text); return text + 0 }

# Output lines carry their test's number: "12: text".
match($0, /^ *[0-9]+: /) {
    id = number(substr($0, 1, RLENGTH))
    line = substr($0, RLENGTH + 1)
    if (line ~ /^TEST CASE: /) title[id] = line
    if (line ~ /MESSAGE: *[Ss]kipped/ && !((id, title[id]) in seen)) { seen[id, title[id]] = 1; set_aside[id]++ }
    if (line ~ /^\[doctest\] test cases: /) {
        split(line, part, "|")
        counted[id] = 1
        passed[id] += number(part[2]); failed[id] += number(part[3]); skipped[id] += number(part[4])
    } else if (line ~ /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/) {
        split(line, part, ",")
        counted[id] = 1
        passed[id] = number(part[1]); failed[id] = number(part[2]); skipped[id] = number(part[3])
    }
}

# "3/9 Test  #3: name ....   Passed    0.01 sec"
match($0, /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: /) {
    text = substr($0, 1, RLENGTH)
    sub(/.*#/, "", text)
    id = number(text)
    passes = $0 ~ / Passed +[0-9.]+ sec/
    skips = $0 ~ /\*\*\*Skipped/
    if (skips && !counted[id]) { S++; next }
    if (counted[id]) {
        P += passed[id] - set_aside[id]; F += failed[id]; S += skipped[id] + set_aside[id]
        if (!passes && !skips && !failed[id]) F++   # a crash after the last case, a leak
    } else if (passes) {
        P++
    } else {
        F++
    }
}

END { print P + 0, F + 0, S + 0 }
