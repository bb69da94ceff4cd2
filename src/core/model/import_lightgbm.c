/* LightGBM's text model files.
 *
 * What its predictor does, and so this: values and thresholds are doubles; left where x <=
 * threshold. Each split says which values count as missing: none (NaN is then 0), zero (NaN and
 * |x| <= 1e-35), or NaN; the missing take the default side. A split on categories takes a value's
 * whole part, left where it is in the set; NaN, negative and unknown go right. The margin is a sum
 * in doubles in the order of the trees; leaves have shrinkage, dart's weights and the start score
 * in them already. Random forests (average_output) divide by the number of rounds.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/number.h"
#include "core/data/json.h"
#include "core/model/import.h"
#include "core/model/import_tree.h"

enum {
    DECISION_CATEGORY = 1,
    DECISION_DEFAULT_LEFT = 2,
    DECISION_MISSING_SHIFT = 2, /* then 0 none, 1 zero, 2 NaN */
    DECISION_MOST = 2 << DECISION_MISSING_SHIFT | 3,
    CATEGORY_WORDS_MAX = 1 << 19, /* 2^24 categories */
};

enum missing { MISSING_NONE, MISSING_ZERO, MISSING_NAN };

enum line_name {
    FIELD_VERSION,
    FIELD_CLASSES,
    FIELD_PER_ROUND,
    FIELD_MOST_INDEX,
    FIELD_OBJECTIVE,
    FIELD_NAMES,
    FIELD_INFOS,
    FIELD_LEAVES,
    FIELD_CATEGORY_SPLITS,
    FIELD_SPLIT,
    FIELD_THRESHOLD,
    FIELD_DECISION,
    FIELD_LEFT,
    FIELD_RIGHT,
    FIELD_LEAF_VALUE,
    FIELD_LEAF_COUNT,
    FIELD_INNER_COUNT,
    FIELD_BOUNDARIES,
    FIELD_CATEGORY_WORDS,
    FIELD_IS_LINEAR,
    FIELDS,
};

static const char *const field_names[FIELDS] = {
    [FIELD_VERSION] = "version",
    [FIELD_CLASSES] = "num_class",
    [FIELD_PER_ROUND] = "num_tree_per_iteration",
    [FIELD_MOST_INDEX] = "max_feature_idx",
    [FIELD_OBJECTIVE] = "objective",
    [FIELD_NAMES] = "feature_names",
    [FIELD_INFOS] = "feature_infos",
    [FIELD_LEAVES] = "num_leaves",
    [FIELD_CATEGORY_SPLITS] = "num_cat",
    [FIELD_SPLIT] = "split_feature",
    [FIELD_THRESHOLD] = "threshold",
    [FIELD_DECISION] = "decision_type",
    [FIELD_LEFT] = "left_child",
    [FIELD_RIGHT] = "right_child",
    [FIELD_LEAF_VALUE] = "leaf_value",
    [FIELD_LEAF_COUNT] = "leaf_count",
    [FIELD_INNER_COUNT] = "internal_count",
    [FIELD_BOUNDARIES] = "cat_boundaries",
    [FIELD_CATEGORY_WORDS] = "cat_threshold",
    [FIELD_IS_LINEAR] = "is_linear",
};

/* The lines of one block, header or tree, by name; bytes NULL where there is none. */
struct block {
    struct text field[FIELDS];
    bool is_average;
};

struct source {
    struct text rest; /* lines not read yet */
    uint32_t line;
    const struct import_options *options;
    struct import *found;
    struct error *e;
};

/* ---- lines ---- */

/* Without its end; false at the end of the file. */
static bool next_line(struct source *s, struct text *line)
{
    const char *end;
    size_t length;

    if (s->rest.length == 0)
        return false;
    end = memchr(s->rest.bytes, '\n', s->rest.length);
    length = end != NULL ? (size_t)(end - s->rest.bytes) : s->rest.length;
    *line = (struct text){s->rest.bytes, length};
    length += end != NULL;
    s->rest = (struct text){s->rest.bytes + length, s->rest.length - length};
    if (line->length > 0 && line->bytes[line->length - 1] == '\r')
        line->length--;
    s->line++;
    return true;
}

static bool starts(struct text t, const char *with, struct text *tail)
{
    size_t n = strlen(with);

    if (t.length < n || memcmp(t.bytes, with, n) != 0)
        return false;
    *tail = (struct text){t.bytes + n, t.length - n};
    return true;
}

/* Reads up to the next block's head ("Tree=...", "end of trees"), which is left in *head. */
static bool read_block(struct source *s, struct block *b, struct text *head)
{
    struct text line, tail;

    *b = (struct block){0};
    while (next_line(s, &line)) {
        const char *equals = memchr(line.bytes, '=', line.length);

        if (starts(line, "Tree=", &tail) || text_is(line, "end of trees")) {
            *head = line;
            return true;
        }
        if (text_is(line, "average_output"))
            b->is_average = true;
        if (equals == NULL)
            continue;
        for (int f = 0; f < FIELDS; f++) {
            struct text name = {line.bytes, (size_t)(equals - line.bytes)};

            if (text_is(name, field_names[f]))
                b->field[f] = (struct text){equals + 1, line.length - name.length - 1};
        }
    }
    return error_set(s->e, ERROR_INVALID, "line %u: it ends before \"end of trees\"", s->line);
}

static bool next_word(struct text *list, struct text *word)
{
    size_t at = 0, end;

    *word = (struct text){"", 0};
    if (list->length == 0)
        return false;
    while (at < list->length && list->bytes[at] == ' ')
        at++;
    end = at;
    while (end < list->length && list->bytes[end] != ' ')
        end++;
    *word = (struct text){list->bytes + at, end - at};
    *list = (struct text){list->bytes + end, list->length - end};
    return word->length > 0;
}

static bool bad_field(struct source *s, enum line_name f, const char *what)
{
    return error_set(s->e, ERROR_INVALID, "before line %u: \"%s\" %s", s->line + 1, field_names[f],
                     what);
}

static bool get_whole(struct source *s, const struct block *b, enum line_name f, int64_t least,
                      int64_t most, int64_t absent, int64_t *v)
{
    *v = absent;
    if (b->field[f].bytes == NULL)
        return absent >= least || bad_field(s, f, "is missing");
    if (!number_parse_int(text_trim(b->field[f]), v))
        return bad_field(s, f, "is no whole number");
    if (*v < least || *v > most)
        return error_set(s->e, ERROR_INVALID,
                         "before line %u: \"%s\" is %lld, %lld to %lld are taken", s->line + 1,
                         field_names[f], (long long)*v, (long long)least, (long long)most);
    return true;
}

/* Exactly `count` numbers; freed by the caller. Absent lists are zeros where that is allowed. */
static bool get_list(struct source *s, const struct block *b, enum line_name f, uint32_t count,
                     bool may_be_absent, double **list)
{
    struct text rest = b->field[f], word;
    double *v;

    *list = NULL;
    if (rest.bytes == NULL && !may_be_absent)
        return bad_field(s, f, "is missing");
    if (rest.bytes != NULL && rest.length + 1 < 2 * (size_t)count)
        return bad_field(s, f, "has too few numbers");
    v = *list = mem_array((size_t)count + 1, sizeof *v);
    if (rest.bytes == NULL)
        return true;
    for (uint32_t i = 0; i < count; i++) {
        if (!next_word(&rest, &word))
            return bad_field(s, f, "has too few numbers");
        if (!number_parse_real(word, '.', &v[i]))
            return bad_field(s, f, "has a word that is no number");
    }
    return !next_word(&rest, &word) || bad_field(s, f, "has too many numbers");
}

static bool is_whole(double v, double least, double most)
{
    return v >= least && v <= most && v == (double)(int64_t)v;
}

/* ---- header ---- */

struct objective {
    const char *name;
    bool is_logistic;
};

static const struct objective objectives[] = {
    {"binary", true},         {"cross_entropy", true},  {"xentropy", true}, {"regression", false},
    {"regression_l1", false}, {"regression_l2", false}, {"huber", false},   {"fair", false},
    {"quantile", false},      {"mape", false},          {"custom", false},
};

static bool parse_objective(struct source *s, struct text line)
{
    struct text rest = line, word, tail;

    if (!next_word(&rest, &word)) {
        import_note(s->found, "the file names no objective: the raw score is taken as it is, held "
                              "to 0..1 as a probability");
        word = text_of("custom");
    }
    for (size_t i = 0; i < sizeof objectives / sizeof *objectives; i++) {
        if (!text_is(word, objectives[i].name))
            continue;
        s->found->is_log_odds = objectives[i].is_logistic;
        while (next_word(&rest, &word)) {
            if (text_is(word, "sqrt"))
                return bad_field(s, FIELD_OBJECTIVE,
                                 "is a regression of square roots (reg_sqrt), "
                                 "which is not computed");
            if (starts(word, "sigmoid:", &tail) &&
                (!number_parse_real(tail, '.', &s->found->slope) || !(s->found->slope > 0)))
                return bad_field(s, FIELD_OBJECTIVE, "has a sigmoid that is no positive number");
        }
        return true;
    }
    return error_set(s->e, ERROR_INVALID,
                     "objective \"%.*s\" gives no score of one class: binary, cross_entropy and "
                     "regressions without a log link are taken",
                     (int)(word.length < 60 ? word.length : 60), word.bytes);
}

static bool parse_names(struct source *s, struct text names)
{
    struct text word;

    for (uint32_t j = 0; j < s->found->inputs; j++) {
        if (!next_word(&names, &word) || !text_is_utf8(word) ||
            memchr(word.bytes, 0, word.length) != NULL)
            return bad_field(s, FIELD_NAMES, "has fewer names than features, or no texts");
        import_name(s->found, j, word);
    }
    s->found->has_names = s->found->inputs > 0;
    return !next_word(&names, &word) || bad_field(s, FIELD_NAMES, "has more names than features");
}

static bool read_header(struct source *s, const struct block *b, bool *average)
{
    int64_t most, classes, per_round;
    struct text version = b->field[FIELD_VERSION];

    if (version.bytes == NULL ||
        !(text_is(version, "v2") || text_is(version, "v3") || text_is(version, "v4")))
        return bad_field(s, FIELD_VERSION, "is none of v2, v3 and v4");
    if (!get_whole(s, b, FIELD_MOST_INDEX, 0, IMPORT_INPUTS_MAX - 1, -1, &most) ||
        !get_whole(s, b, FIELD_CLASSES, 1, 1, 1, &classes) ||
        !get_whole(s, b, FIELD_PER_ROUND, 1, 1, 1, &per_round))
        return false;
    if (b->field[FIELD_NAMES].bytes == NULL)
        return bad_field(s, FIELD_NAMES, "is missing");
    s->found = import_new(IMPORT_LIGHTGBM, (uint32_t)most + 1);
    s->found->body->is_trees = true;
    *average = b->is_average;
    snprintf(s->found->library, sizeof s->found->library, "LightGBM %.*s, %.*s", TEXT_ARG(version),
             (int)(b->field[FIELD_OBJECTIVE].length < 60 ? b->field[FIELD_OBJECTIVE].length : 60),
             b->field[FIELD_OBJECTIVE].bytes != NULL ? b->field[FIELD_OBJECTIVE].bytes : "");
    return parse_objective(s, b->field[FIELD_OBJECTIVE]) && parse_names(s, b->field[FIELD_NAMES]);
}

/* ---- trees ---- */

struct tree {
    uint32_t leaves;
    int64_t category_splits;
    double *split, *threshold, *decision, *left, *right, *leaf, *leaf_count, *inner_count;
    double *boundary, *word;
    uint32_t words;
};

static void free_tree(struct tree *t)
{
    double *const all[] = {t->split, t->threshold,  t->decision,    t->left,     t->right,
                           t->leaf,  t->leaf_count, t->inner_count, t->boundary, t->word};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
}

static bool open_sets(struct source *s, const struct block *b, struct tree *t)
{
    uint32_t splits = (uint32_t)t->category_splits;

    if (splits == 0)
        return true;
    if (!get_list(s, b, FIELD_BOUNDARIES, splits + 1, false, &t->boundary))
        return false;
    for (uint32_t i = 0; i <= splits; i++) {
        double least = i == 0 ? 0 : t->boundary[i - 1];

        if (!is_whole(t->boundary[i], least, i == 0 ? 0 : least + CATEGORY_WORDS_MAX))
            return bad_field(s, FIELD_BOUNDARIES, "does not ascend");
    }
    if (t->boundary[splits] > IMPORTED_SET_WORDS_MAX)
        return bad_field(s, FIELD_BOUNDARIES, "has more categories than are taken");
    t->words = (uint32_t)t->boundary[splits];
    return get_list(s, b, FIELD_CATEGORY_WORDS, t->words, false, &t->word);
}

static bool open_tree(struct source *s, const struct block *b, struct tree *t)
{
    int64_t leaves, linear;
    uint32_t inner;

    if (!get_whole(s, b, FIELD_LEAVES, 1, IMPORTED_NODES_MAX / 2, -1, &leaves) ||
        !get_whole(s, b, FIELD_CATEGORY_SPLITS, 0, leaves - 1, 0, &t->category_splits) ||
        !get_whole(s, b, FIELD_IS_LINEAR, 0, 1, 0, &linear))
        return false;
    if (linear != 0)
        return bad_field(s, FIELD_IS_LINEAR,
                         "is 1: linear trees (linear_tree=true) are not "
                         "computed; train without");
    t->leaves = (uint32_t)leaves;
    inner = t->leaves - 1;
    return get_list(s, b, FIELD_LEAF_VALUE, t->leaves, false, &t->leaf) &&
           get_list(s, b, FIELD_LEAF_COUNT, t->leaves, true, &t->leaf_count) &&
           (inner == 0 || (get_list(s, b, FIELD_SPLIT, inner, false, &t->split) &&
                           get_list(s, b, FIELD_THRESHOLD, inner, false, &t->threshold) &&
                           get_list(s, b, FIELD_DECISION, inner, true, &t->decision) &&
                           get_list(s, b, FIELD_LEFT, inner, false, &t->left) &&
                           get_list(s, b, FIELD_RIGHT, inner, false, &t->right) &&
                           get_list(s, b, FIELD_INNER_COUNT, inner, true, &t->inner_count) &&
                           open_sets(s, b, t)));
}

static bool read_set(struct source *s, const struct tree *t, double index, struct imported_node *n)
{
    uint32_t first, words, *word;

    if (!is_whole(index, 0, (double)t->category_splits - 1))
        return bad_field(s, FIELD_THRESHOLD, "names a set of categories that is not there");
    first = (uint32_t)t->boundary[(uint32_t)index];
    words = (uint32_t)t->boundary[(uint32_t)index + 1] - first;
    if (words > IMPORTED_SET_WORDS_MAX - s->found->body->trees.set_words)
        return bad_field(s, FIELD_CATEGORY_WORDS, "has more categories than are taken");
    n->test = TEST_SET_WHOLE;
    n->threshold = 0;
    n->missing_left = false;
    word = imported_add_set(s->found->body, n, words);
    for (uint32_t i = 0; i < words; i++) {
        if (!is_whole(t->word[first + i], 0, UINT32_MAX))
            return bad_field(s, FIELD_CATEGORY_WORDS, "has a word that is not of 32 bits");
        word[i] = (uint32_t)t->word[first + i];
    }
    return true;
}

/* Where a NaN goes, and whether zero goes with it. */
static void set_missing(struct imported_node *n, unsigned decision)
{
    bool default_left = (decision & DECISION_DEFAULT_LEFT) != 0;
    enum missing missing = (enum missing)(decision >> DECISION_MISSING_SHIFT);

    n->missing_left = missing == MISSING_NONE ? 0 <= n->threshold : default_left;
    n->zero_is_missing = missing == MISSING_ZERO;
}

/* A child: an inner node, or ~leaf. Leaves stand after the inner nodes. */
static bool child_index(struct source *s, const struct tree *t, enum line_name f, double v,
                        uint32_t *index)
{
    uint32_t inner = t->leaves - 1;

    if (!is_whole(v, -(double)t->leaves, (double)inner - 1))
        return bad_field(s, f, "names a node that is not there");
    *index = v >= 0 ? (uint32_t)v : inner + (uint32_t)(-v - 1);
    return true;
}

static bool read_split(struct source *s, const struct tree *t, uint32_t i, struct imported_node *n)
{
    if (!is_whole(t->split[i], 0, (double)s->found->inputs - 1))
        return bad_field(s, FIELD_SPLIT, "names a feature that is not there");
    if (!is_whole(t->decision[i], 0, DECISION_MOST))
        return bad_field(s, FIELD_DECISION, "is of no known kind");
    *n = (struct imported_node){.test = TEST_LESS_EQUAL, .threshold = t->threshold[i]};
    n->column = (uint32_t)t->split[i];
    n->cover = fmax(t->inner_count[i], 0);
    if (!child_index(s, t, FIELD_LEFT, t->left[i], &n->left) ||
        !child_index(s, t, FIELD_RIGHT, t->right[i], &n->right))
        return false;
    if ((unsigned)t->decision[i] & DECISION_CATEGORY)
        return read_set(s, t, t->threshold[i], n);
    set_missing(n, (unsigned)t->decision[i]);
    return true;
}

static bool read_tree(struct source *s, const struct block *b)
{
    struct imported_node *node = NULL;
    struct tree t = {0};
    bool good = open_tree(s, b, &t);

    if (good) {
        node = mem_array(2 * (size_t)t.leaves - 1, sizeof *node);
        for (uint32_t i = 0; i + 1 < t.leaves && good; i++)
            good = read_split(s, &t, i, &node[i]);
        for (uint32_t i = 0; i < t.leaves; i++)
            node[t.leaves - 1 + i] =
                (struct imported_node){.threshold = t.leaf[i], .cover = fmax(t.leaf_count[i], 0)};
        good = good && import_add_tree(s->found->body, node, 2 * t.leaves - 1, s->e);
    }
    mem_free(node);
    free_tree(&t);
    return good;
}

static bool read_trees(struct source *s, struct text head)
{
    struct imported_trees *trees = &s->found->body->trees;
    struct block b;

    while (!text_is(head, "end of trees")) {
        if (!read_block(s, &b, &head))
            return false;
        if (s->options->iterations > 0 && trees->trees >= s->options->iterations)
            continue;
        if (!read_tree(s, &b))
            return error_prefix(s->e, "tree %u", trees->trees);
    }
    if (trees->trees < s->options->iterations)
        return error_set(s->e, ERROR_INVALID, "%u iterations are asked for, the model has %u",
                         s->options->iterations, trees->trees);
    return true;
}

/* ---- categories that were texts in training ---- */

static bool text_list(struct source *s, uint32_t input, const struct json *list)
{
    struct text *value = mem_array((size_t)list->count + 1, sizeof *value);
    double *number = mem_array((size_t)list->count + 1, sizeof *number);
    bool good = true;

    for (uint32_t i = 0; i < list->count && good; i++) {
        good = list->items[i].kind == JSON_TEXT ||
               error_set(s->e, ERROR_INVALID, "pandas_categorical mixes texts and numbers");
        value[i] = list->items[i].text;
        number[i] = i;
    }
    good = good && import_categories(s->found, input, value, number, list->count, -1, s->e);
    mem_free(value);
    mem_free(number);
    return good;
}

/* Numbers become their place in the list, which pandas keeps in order. */
static bool number_list(struct source *s, const struct json *list)
{
    struct imported *m = s->found->body;
    struct imported_step step = {
        .kind = STEP_LOOKUP, .first = m->entries, .count = list->count, .b = -1};

    if (list->count > IMPORTED_TABLE_MAX - m->entries)
        return error_set(s->e, ERROR_INVALID, "pandas_categorical has too many values");
    m->entry = mem_resize(m->entry, (size_t)m->entries + list->count + 1, sizeof *m->entry);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct json *v = &list->items[i];

        if (v->kind != JSON_INT && v->kind != JSON_REAL && v->kind != JSON_BOOL)
            return error_set(s->e, ERROR_INVALID, "pandas_categorical mixes texts and numbers");
        m->entry[m->entries++] =
            (struct imported_entry){v->kind == JSON_BOOL ? v->boolean : v->real, i};
        if (i > 0 && !(m->entry[m->entries - 2].key < m->entry[m->entries - 1].key))
            return error_set(s->e, ERROR_INVALID,
                             "pandas_categorical has numbers that do not "
                             "ascend: make the column text or plain numbers");
    }
    imported_add_step(m, &step);
    return true;
}

/* feature_infos: "[least:most]" of a number, "a:b:c" of a category, "none" where nothing was
 * learnt of it. */
static bool choose_categories(struct source *s, struct text infos, uint32_t lists, bool *chosen)
{
    uint32_t categories = 0, unknown = 0;
    struct text rest = infos, word;

    for (uint32_t j = 0; j < s->found->inputs && next_word(&rest, &word); j++) {
        if (text_is(word, "none"))
            unknown++;
        else if (word.bytes[0] != '[')
            categories++;
    }
    if (lists != categories && lists != categories + unknown)
        return error_set(s->e, ERROR_INVALID,
                         "pandas_categorical has %u lists for %u categorical features (and %u that "
                         "nothing is known of): drop constant columns and train again",
                         lists, categories, unknown);
    rest = infos;
    for (uint32_t j = 0; j < s->found->inputs && next_word(&rest, &word); j++)
        chosen[j] = text_is(word, "none") ? lists != categories : word.bytes[0] != '[';
    return true;
}

static bool add_columns(struct source *s, const struct json *lists, const bool *chosen)
{
    uint32_t next = 0;

    for (uint32_t j = 0; j < s->found->inputs; j++) {
        const struct json *list;

        imported_add_column(s->found->body, j);
        if (!chosen[j])
            continue;
        list = &lists->items[next++];
        if (list->kind != JSON_ARRAY)
            return error_set(s->e, ERROR_INVALID, "pandas_categorical is no list of lists");
        if (list->count == 0)
            continue;
        if (!(list->items[0].kind == JSON_TEXT ? text_list(s, j, list) : number_list(s, list)))
            return false;
    }
    return true;
}

/* The file's last line; "null" where training had no data frame. */
static bool find_lists(struct source *s, struct json_document **d)
{
    struct text line, tail = {0};
    struct json_reader *reader;

    *d = NULL;
    while (next_line(s, &line)) {
        if (starts(line, "pandas_categorical:", &tail))
            break;
    }
    if (tail.length == 0 || text_is(tail, "null"))
        return true;
    reader = json_reader_new();
    *d = json_parse(reader, tail.bytes, tail.length, s->e);
    json_reader_free(reader);
    if (*d == NULL)
        return error_prefix(s->e, "pandas_categorical");
    return (*d)->root.kind == JSON_ARRAY ||
           error_set(s->e, ERROR_INVALID, "pandas_categorical is no list of lists");
}

static bool read_columns(struct source *s, struct text infos)
{
    struct json_document *d = NULL;
    bool *chosen = mem_array((size_t)s->found->inputs + 1, sizeof *chosen);
    bool good = find_lists(s, &d);

    if (good && d != NULL && d->root.count > 0)
        good = choose_categories(s, infos, d->root.count, chosen);
    good = good && add_columns(s, d != NULL ? &d->root : NULL, chosen);
    if (d != NULL)
        json_free(d);
    mem_free(chosen);
    return good;
}

/* ---- the whole ---- */

static bool read_model(struct source *s)
{
    struct block header;
    struct text head = {0};
    bool average = false;

    if (!read_block(s, &header, &head) || !read_header(s, &header, &average) ||
        !read_trees(s, head) || !read_columns(s, header.field[FIELD_INFOS]))
        return false;
    if (average && s->found->body->trees.trees > 0)
        s->found->body->trees.divisor = s->found->body->trees.trees;
    return true;
}

bool import_lightgbm(const void *bytes, size_t length, const struct import_options *o,
                     struct import **found, struct error *e)
{
    struct source s = {.rest = {(const char *)bytes, length}, .options = o, .e = e};
    bool good = read_model(&s);

    if (good)
        *found = s.found;
    else
        import_free(s.found);
    return good;
}
