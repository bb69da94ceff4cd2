/* How alike two texts are, by characters (code points), case as it is.
 *
 * Levenshtein: V. Levenshtein, "Binary codes capable of correcting deletions, insertions and
 * reversals", Soviet Physics Doklady 10 (1966). Jaro-Winkler: W. Winkler, "String comparator
 * metrics and enhanced decision rules in the Fellegi-Sunter model of record linkage" (1990): a
 * common start of up to 4 characters adds a tenth each of what is missing to 1, where Jaro's value
 * is over 0.7. Trigrams: the share of common ones (Jaccard) among the sets of three neighbouring
 * characters, two blanks put before and one after.
 *
 * The work grows with the product of the lengths, so texts over FUZZY_MAX characters give null. */
#include "core/lang/kernels.h"

#include <stdlib.h>

enum { FUZZY_MAX = 512, WINKLER_PREFIX_MAX = 4, BROKEN_BYTE = 0x110000 };

struct characters {
    uint32_t count;
    uint32_t code[FUZZY_MAX + 1]; /* one past the most says that there were more */
};

/* A byte that begins no character (the text is no UTF-8) is one by itself. */
static size_t character(struct text t, size_t at, uint32_t *code)
{
    uint8_t first = (uint8_t)t.bytes[at];
    size_t length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    *code = length == 1 ? first : first & (0x7fu >> length);
    if (length == 0 || length > t.length - at) {
        *code = BROKEN_BYTE + first;
        return 1;
    }
    for (size_t i = 1; i < length; i++)
        *code = (*code << 6 | ((uint8_t)t.bytes[at + i] & 0x3f)) & 0x1fffff;
    return length;
}

static void read_characters(struct text t, struct characters *c)
{
    c->count = 0;
    for (size_t at = 0; at < t.length && c->count <= FUZZY_MAX;)
        at += character(t, at, &c->code[c->count++]);
}

/* False where a text is null or too long. */
static bool read_pair(const struct call *c, uint32_t row, struct characters *a,
                      struct characters *b)
{
    if (c->arg[0]->null[row] || c->arg[1]->null[row])
        return false;
    read_characters(c->arg[0]->text[row], a);
    read_characters(c->arg[1]->text[row], b);
    return a->count <= FUZZY_MAX && b->count <= FUZZY_MAX;
}

static int64_t edit_distance(const struct characters *a, const struct characters *b)
{
    uint32_t row[FUZZY_MAX + 1];

    for (uint32_t j = 0; j <= b->count; j++)
        row[j] = j;
    for (uint32_t i = 1; i <= a->count; i++) {
        uint32_t diagonal = row[0];

        row[0] = i;
        for (uint32_t j = 1; j <= b->count; j++) {
            uint32_t replace = diagonal + (a->code[i - 1] != b->code[j - 1]);
            uint32_t least = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = replace < least ? replace : least;
        }
    }
    return row[b->count];
}

void kernel_edit_distance(const struct call *c)
{
    struct characters a, b;

    for (uint32_t i = 0; i < c->rows; i++) {
        bool ok = read_pair(c, i, &a, &b);

        store_word(c->out->integer, c->out->null, i, ok ? edit_distance(&a, &b) : 0, !ok);
    }
}

/* Marks in both which characters have an equal partner at most `reach` away, each one once. */
static uint32_t mark_partners(const struct characters *a, const struct characters *b,
                              uint8_t marks_a[FUZZY_MAX], uint8_t marks_b[FUZZY_MAX])
{
    uint32_t longer = a->count > b->count ? a->count : b->count, found = 0;
    uint32_t reach = longer / 2 > 0 ? longer / 2 - 1 : 0;

    memset(marks_a, 0, a->count);
    memset(marks_b, 0, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        uint32_t j = i > reach ? i - reach : 0;
        uint32_t end = i + reach + 1 < b->count ? i + reach + 1 : b->count;

        while (j < end && (marks_b[j] || a->code[i] != b->code[j]))
            j++;
        if (j < end) {
            marks_a[i] = marks_b[j] = 1;
            found++;
        }
    }
    return found;
}

static double jaro(const struct characters *a, const struct characters *b)
{
    uint8_t marks_a[FUZZY_MAX], marks_b[FUZZY_MAX];
    uint32_t found, out_of_order = 0, swaps;
    double m;

    if (a->count == 0 && b->count == 0)
        return 1;
    found = mark_partners(a, b, marks_a, marks_b);
    if (found == 0)
        return 0;
    for (uint32_t i = 0, j = 0; i < a->count; i++) {
        if (!marks_a[i])
            continue;
        while (!marks_b[j])
            j++;
        out_of_order += a->code[i] != b->code[j++];
    }
    m = found;
    swaps = out_of_order / 2;
    return (m / a->count + m / b->count + (m - swaps) / m) / 3;
}

static double jaro_winkler(const struct characters *a, const struct characters *b)
{
    double value = jaro(a, b);
    uint32_t same = 0;

    if (!(value > 0.7))
        return value;
    while (same < WINKLER_PREFIX_MAX && same < a->count && same < b->count &&
           a->code[same] == b->code[same])
        same++;
    return value + same * 0.1 * (1 - value);
}

void kernel_jaro_winkler(const struct call *c)
{
    struct characters a, b;

    for (uint32_t i = 0; i < c->rows; i++) {
        bool ok = read_pair(c, i, &a, &b);

        store_real(c->out->real, c->out->null, i, ok ? jaro_winkler(&a, &b) : 0, !ok);
    }
}

static int compare_words(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

/* Sorted, each once; returns their number. */
static uint32_t trigrams(const struct characters *c, uint64_t out[FUZZY_MAX + 1])
{
    uint64_t three = ' ' << 21 | ' ', mask = (UINT64_C(1) << 63) - 1;
    uint32_t kept = 0;

    for (uint32_t i = 0; i <= c->count; i++) {
        three = (three << 21 | (i < c->count ? c->code[i] : ' ')) & mask;
        out[i] = three;
    }
    qsort(out, c->count + 1, sizeof *out, compare_words);
    for (uint32_t i = 0; i <= c->count; i++) {
        if (i == 0 || out[i] != out[i - 1])
            out[kept++] = out[i];
    }
    return kept;
}

static double trigram_similarity(const struct characters *a, const struct characters *b)
{
    uint64_t of_a[FUZZY_MAX + 1], of_b[FUZZY_MAX + 1];
    uint32_t count_a = trigrams(a, of_a), count_b = trigrams(b, of_b), common = 0;

    for (uint32_t i = 0, j = 0; i < count_a && j < count_b;) {
        common += of_a[i] == of_b[j];
        if (of_a[i] <= of_b[j])
            j += of_a[i++] == of_b[j];
        else
            j++;
    }
    return (double)common / (count_a + count_b - common);
}

void kernel_trigram_similarity(const struct call *c)
{
    struct characters a, b;

    for (uint32_t i = 0; i < c->rows; i++) {
        bool ok = read_pair(c, i, &a, &b);

        store_real(c->out->real, c->out->null, i, ok ? trigram_similarity(&a, &b) : 0, !ok);
    }
}
