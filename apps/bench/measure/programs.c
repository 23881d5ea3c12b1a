#include "programs.h"

const struct program programs[PROGRAMS] = {
    {"loop", run_loop},     {"matrix", run_matrix},         {"sort", run_sort}, {"hash", run_hash},   {"json", run_json},     {"regex", run_regex},
    {"sha256", run_sha256}, {"mandelbrot", run_mandelbrot}, {"blur", run_blur}, {"trees", run_trees}, {"search", run_search}, {"machine", run_machine},
};
