# Sourced by the other scripts: how everything is built.
#
# One set of flags for every build of a machine, because another set compiles llama.cpp and
# whisper.cpp again (six minutes). A binary runs on every processor with AVX2 (x86-64-v3)
# where this machine has it, and on every x86-64 otherwise; never `native`.

export COMPTOIR_CACHE="${COMPTOIR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/comptoir}"
export CARGO_TERM_PROGRESS_WHEN="${CARGO_TERM_PROGRESS_WHEN:-auto}"

if [ "$(uname -m)" = x86_64 ]; then
    if grep -qw avx2 /proc/cpuinfo 2>/dev/null; then
        export RUSTFLAGS="${RUSTFLAGS--C target-cpu=x86-64-v3}"
        export GGML_NATIVE=OFF
    else
        # whisper.cpp would take AVX2 for granted.
        export GGML_NATIVE=OFF GGML_AVX=OFF GGML_AVX2=OFF GGML_FMA=OFF GGML_F16C=OFF GGML_BMI2=OFF
    fi
fi

# say TEXT: a heading, with the time since the script began.
say() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

# bin NAME: the path of a built program.
bin() { printf '%s/release/%s' "${CARGO_TARGET_DIR:-target}" "$1"; }
