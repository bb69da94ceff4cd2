/* The executable: parses the command line, runs one command, tells what went wrong. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/data/json.h"
#include "shell/cmd/cmd.h"

/* The best that the processor has, unless ASSAY_SIMD asks for less. */
static bool choose_simd(enum simd *simd, struct error *e)
{
    const char *wanted = getenv("ASSAY_SIMD");

    *simd = simd_best();
    if (wanted == NULL || wanted[0] == 0)
        return true;
    for (int level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
        if (strcmp(wanted, simd_name((enum simd)level)) != 0)
            continue;
        if (level > (int)*simd)
            return error_set(e, ERROR_USAGE, "ASSAY_SIMD=%s: this processor has %s at best", wanted,
                             simd_name(*simd));
        *simd = (enum simd)level;
        return true;
    }
    return error_set(e, ERROR_USAGE, "ASSAY_SIMD: expected scalar, avx2 or avx512, found \"%s\"",
                     wanted);
}

static bool print_help(const struct invocation *v, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (v->command != NULL)
        help_print_command(v->command, &out);
    else
        help_print(&out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool run(struct invocation *v, int argc, char *const *argv, struct error *e)
{
    if (!choose_simd(&v->simd, e) || !options_parse(v, argc, argv, e))
        return false;
    term_init(&v->term, v->json || option_has(v, "quiet"));
    if (option_has(v, "help"))
        return print_help(v, e);
    if (option_has(v, "version"))
        return command_version.run(v, e);
    if (v->command == NULL)
        return error_set(e, ERROR_USAGE, "expected a command; `assay help` lists them");
    interrupt_install();
    return v->command->run(v, e);
}

static const char *kind_name(enum error_kind kind)
{
    static const char *const names[] = {"none", "invalid",   "usage",    "world",
                                        "full", "not_found", "conflict", "cancelled"};

    return names[kind];
}

/* Words on stderr; with --json the same as an object on stdout, where a program looks for it. */
static void print_error(const struct invocation *v, const struct error *e)
{
    struct buffer out;

    fprintf(stderr, "assay: %s\n", e->text);
    if (!v->json)
        return;
    buffer_init(&out, OUTPUT_MAX);
    buffer_format(&out, "{\"error\":{\"kind\":\"%s\",\"exit\":%d,\"text\":", kind_name(e->kind),
                  error_exit_code(e->kind));
    json_add_text(&out, text_of(e->text));
    buffer_add_text(&out, "}}\n");
    fwrite(out.bytes, 1, out.length, stdout);
    buffer_fini(&out);
}

/* --json counts for errors of the command line too, before it is parsed to the end. */
static bool wants_json(int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            return true;
    }
    return false;
}

/* Where one of the standard descriptors is closed, the next file that is opened takes its number,
 * and what is printed goes into it: into the log, say. So each is open, if on nothing: a closed
 * output is opened for reading, so that writing to it is the error that it was. */
static bool open_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int main(int argc, char **argv)
{
    struct invocation v = {.json = wants_json(argc, argv)};
    struct error e = {0};
    bool ok;

    if (!open_standard_files())
        return error_exit_code(ERROR_WORLD);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of writing, told as such */
    ok = run(&v, argc, argv, &e);
    term_clear(&v.term);
    if (ok)
        return 0;
    print_error(&v, &e);
    return error_exit_code(e.kind);
}
