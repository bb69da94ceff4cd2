/* What every kind of place for artifacts must do, tried on the one that is named:
 *
 *     artifacts WHERE [ENDPOINT [REGION [auto|path|host]]]
 *
 * The place must be empty; it is empty again afterwards. Exit 0: all of it holds; else the first
 * thing that does not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/registry/artifact.h"

enum { MANY = 10, LARGE = 3 << 20 };

static struct artifacts *place;
static struct error e;

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s; last error: %s\n", __FILE__, __LINE__, #condition,         \
                    e.text);                                                                       \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static bool put(const char *key, const char *body, enum artifact_if condition, const char *tag,
                char new_tag[ARTIFACT_TAG_MAX])
{
    struct artifact_put p = {key, "text/plain", text_of(body), condition, tag};
    bool is_put = false;

    HOLDS(artifact_put(place, &p, &is_put, new_tag, &e));
    return is_put;
}

static bool holds(const char *key, const char *body)
{
    char tag[ARTIFACT_TAG_MAX];
    struct buffer out;
    bool is_same;

    buffer_init(&out, LARGE + 1);
    HOLDS(artifact_get(place, key, &out, tag, &e));
    is_same = text_equal((struct text){out.bytes, out.length}, text_of(body));
    buffer_fini(&out);
    return is_same;
}

static void test_what_is_not_there(void)
{
    char tag[ARTIFACT_TAG_MAX];
    struct buffer out;
    uint64_t bytes;

    buffer_init(&out, 16);
    HOLDS(!artifact_get(place, "none/1.0.0/model", &out, tag, &e) && e.kind == ERROR_NOT_FOUND);
    HOLDS(!artifact_head(place, "none/1.0.0/model", &bytes, tag, &e) && e.kind == ERROR_NOT_FOUND);
    HOLDS(artifact_delete(place, "none/1.0.0/model", &e));
    buffer_fini(&out);
}

static void test_what_is_put_is_there(void)
{
    char tag[ARTIFACT_TAG_MAX], head[ARTIFACT_TAG_MAX], other[ARTIFACT_TAG_MAX];
    uint64_t bytes = 1;

    HOLDS(put("a/1.0.0/file-1_x.json", "hello", ARTIFACT_ALWAYS, NULL, tag));
    HOLDS(holds("a/1.0.0/file-1_x.json", "hello"));
    HOLDS(artifact_head(place, "a/1.0.0/file-1_x.json", &bytes, head, &e));
    HOLDS(bytes == 5 && strcmp(head, tag) == 0 && tag[0] != 0);
    HOLDS(put("a/1.0.0/file-1_x.json", "hullo", ARTIFACT_ALWAYS, NULL, other));
    HOLDS(strcmp(other, tag) != 0 && holds("a/1.0.0/file-1_x.json", "hullo"));
    HOLDS(put("a/empty", "", ARTIFACT_ALWAYS, NULL, tag) && holds("a/empty", ""));
    HOLDS(artifact_delete(place, "a/empty", &e) &&
          artifact_delete(place, "a/1.0.0/file-1_x.json", &e));
    HOLDS(!artifact_head(place, "a/empty", &bytes, tag, &e) && e.kind == ERROR_NOT_FOUND);
}

static void test_conditions(void)
{
    char first[ARTIFACT_TAG_MAX], second[ARTIFACT_TAG_MAX], none[ARTIFACT_TAG_MAX];

    HOLDS(put("c/x", "1", ARTIFACT_IF_NEW, NULL, first));
    HOLDS(!put("c/x", "2", ARTIFACT_IF_NEW, NULL, none) && holds("c/x", "1"));
    HOLDS(put("c/x", "2", ARTIFACT_IF_SAME, first, second) && holds("c/x", "2"));
    HOLDS(!put("c/x", "3", ARTIFACT_IF_SAME, first, none) && holds("c/x", "2"));
    HOLDS(put("c/x", "3", ARTIFACT_IF_SAME, second, none) && holds("c/x", "3"));
    HOLDS(artifact_delete(place, "c/x", &e));
    HOLDS(!put("c/x", "4", ARTIFACT_IF_SAME, none, first));
}

static void test_large_and_too_large(void)
{
    char *body = malloc(LARGE + 1), tag[ARTIFACT_TAG_MAX];
    struct buffer small;

    HOLDS(body != NULL);
    for (int i = 0; i < LARGE; i++)
        body[i] = (char)(1 + i % 251);
    body[LARGE] = 0;
    HOLDS(put("l/model", body, ARTIFACT_ALWAYS, NULL, tag) && holds("l/model", body));
    buffer_init(&small, LARGE / 2);
    HOLDS(!artifact_get(place, "l/model", &small, tag, &e) && e.kind == ERROR_FULL);
    HOLDS(artifact_delete(place, "l/model", &e));
    buffer_fini(&small);
    free(body);
}

struct seen {
    bool key[MANY];
    int count, stop_after;
};

static bool see(void *context, const char *key, uint64_t bytes, struct error *error)
{
    struct seen *s = context;
    int i = -1;

    HOLDS(sscanf(key, "m/%d/model", &i) == 1 && i >= 0 && i < MANY && !s->key[i]);
    HOLDS(bytes == strlen(key));
    s->key[i] = true;
    return ++s->count != s->stop_after || error_set(error, ERROR_CANCELLED, "enough");
}

static void test_lists(void)
{
    char key[64], tag[ARTIFACT_TAG_MAX];
    struct seen all = {.stop_after = 0}, few = {.stop_after = 7}, none = {.stop_after = 0};

    HOLDS(artifact_list(place, "", see, &none, &e) && none.count == 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "m/%d/model", i);
        HOLDS(put(key, key, ARTIFACT_ALWAYS, NULL, tag));
    }
    HOLDS(put("other/1", "x", ARTIFACT_ALWAYS, NULL, tag));
    HOLDS(artifact_list(place, "m/", see, &all, &e) && all.count == MANY);
    HOLDS(!artifact_list(place, "m/", see, &few, &e) && e.kind == ERROR_CANCELLED &&
          few.count == 7);
    HOLDS(artifact_list(place, "n/", see, &none, &e) && none.count == 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "m/%d/model", i);
        HOLDS(artifact_delete(place, key, &e));
    }
    HOLDS(artifact_delete(place, "other/1", &e));
}

static void test_keys(void)
{
    static const char *const bad[] = {"",   "/",      "a/", "/a",  "a//b",
                                      "..", "a/../b", ".a", "a b", "a\\b"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        HOLDS(!artifact_key_is(bad[i]));
    HOLDS(artifact_key_is("a") && artifact_key_is("a/1.0.0/x_y-z.json"));
}

int main(int argc, char **argv)
{
    struct artifact_place where = {.where = argc > 1 ? argv[1] : "",
                                   .endpoint = argc > 2 ? argv[2] : NULL,
                                   .region = argc > 3 ? argv[3] : NULL};

    if (argc > 4)
        where.style = strcmp(argv[4], "path") == 0   ? S3_STYLE_PATH
                      : strcmp(argv[4], "host") == 0 ? S3_STYLE_HOST
                                                     : S3_STYLE_AUTO;
    HOLDS(artifacts_open(&where, &place, &e));
    test_keys();
    test_what_is_not_there();
    test_what_is_put_is_there();
    test_conditions();
    test_large_and_too_large();
    test_lists();
    artifacts_close(place);
    return 0;
}
