/* Plays the lines of an NDJSON file into a running `assay serve`, in order, and waits for each
 * answer.
 *
 *   player --port N [--batch LINES] [--from K] [--count M] [--answers FILE] FILE
 *   player --port N --wait SECONDS          until /readyz says 200
 *
 * One by one: each line is a POST /v1/decisions on a kept connection. With --batch, chunks of lines
 * go to POST /v1/decisions:batch. It prints {"answered":A,"seconds":S}: the A lines from K on have
 * a 200 or 202 answer each, and those answers are in FILE, appended, one a line. Whoever restarts a
 * server that died plays on from K + A; what was decided but not answered is answered as a repeat
 * then.
 *
 * Exit: 0 all was answered, 2 wrong use, 3 the connection ended, 4 an answer was a refusal (its
 * words on standard error).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_DIED = 3,
    EXIT_REFUSED = 4,
    REQUEST_MAX = 16 << 20,
    ANSWER_MAX = 256 << 20,
    HEAD_MAX = 512,
    WAIT_US = 20000,
};

struct player {
    uint16_t port;
    long batch; /* 0: one by one */
    long from;
    long count; /* -1: to the end */
    long wait_s;
    const char *file;
    FILE *answers; /* or NULL */

    const char *at, *end; /* what is left of the file */
    int fd;
    char *request;
    char *answer; /* head, body, and what came after it */
    size_t answer_size;
    char *body;
    size_t body_length;
    long answered;
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- one exchange */

static bool dial(struct player *p)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(p->port)};
    int yes = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(p->fd, (struct sockaddr *)&to, sizeof to) == 0) {
        setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        return true;
    }
    close(p->fd);
    p->fd = -1;
    return false;
}

static bool send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

/* At least one byte more behind the `have` ones. */
static bool receive_more(struct player *p, size_t *have)
{
    ssize_t n;

    if (*have + 1 >= p->answer_size) {
        p->answer_size *= 2;
        p->answer = realloc(p->answer, p->answer_size);
        if (p->answer == NULL || p->answer_size > ANSWER_MAX)
            return false;
    }
    do
        n = recv(p->fd, p->answer + *have, p->answer_size - *have - 1, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return false;
    *have += (size_t)n;
    p->answer[*have] = 0;
    return true;
}

/* The status, or 0 where the connection ended before the answer was whole. */
static int receive(struct player *p)
{
    size_t have = 0, head, length;
    char *end, *field;

    do {
        if (!receive_more(p, &have))
            return 0;
        end = strstr(p->answer, "\r\n\r\n");
    } while (end == NULL);
    head = (size_t)(end - p->answer) + 4;
    field = strcasestr(p->answer, "\r\ncontent-length:");
    if (field == NULL || field > end)
        return 0;
    length = strtoull(field + 17, NULL, 10);
    while (have < head + length) {
        if (!receive_more(p, &have))
            return 0;
    }
    p->body = p->answer + head;
    p->body_length = length;
    return atoi(p->answer + 9); /* "HTTP/1.1 200 ..." */
}

static int ask(struct player *p, const char *path, const char *type, const char *body,
               size_t length)
{
    int head = snprintf(p->request, HEAD_MAX,
                        "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/%s\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        path, type, length);

    memcpy(p->request + head, body, length);
    if (!send_all(p->fd, p->request, (size_t)head + length))
        return 0;
    return receive(p);
}

static int wait_ready(struct player *p)
{
    static const char get[] = "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    double until = now_s() + (double)p->wait_s;

    do {
        int status = 0;

        if (dial(p)) {
            status = send_all(p->fd, get, sizeof get - 1) ? receive(p) : 0;
            close(p->fd);
        }
        if (status == 200)
            return 0;
        usleep(WAIT_US);
    } while (now_s() < until);
    fprintf(stderr, "player: not ready after %ld s\n", p->wait_s);
    return EXIT_DIED;
}

/* ---- lines */

static const char *line_end(const struct player *p, const char *at)
{
    const char *end = memchr(at, '\n', (size_t)(p->end - at));

    return end != NULL ? end + 1 : p->end;
}

static void keep(struct player *p, const char *answers, size_t length)
{
    if (p->answers != NULL)
        fwrite(answers, 1, length, p->answers);
}

static int refused(const struct player *p, const char *words, int length)
{
    fprintf(stderr, "player: line %ld: %.*s\n", p->from + p->answered, length, words);
    return EXIT_REFUSED;
}

static int play_one(struct player *p)
{
    const char *end = line_end(p, p->at);
    int status;

    if (end - p->at > REQUEST_MAX - HEAD_MAX)
        return refused(p, "longer than the player takes", 28);
    status = ask(p, "/v1/decisions", "json", p->at, (size_t)(end - p->at));
    if (status == 0)
        return EXIT_DIED;
    if (status != 200 && status != 202) /* decided, or seen */
        return refused(p, p->body, (int)p->body_length);
    keep(p, p->body, p->body_length);
    p->answered++;
    p->at = end;
    return 0;
}

/* Answers stand in the order of the lines; the first problem ends what is certain. */
static int take_answers(struct player *p)
{
    const char *at = p->body, *body_end = p->body + p->body_length;

    while (at < body_end) {
        const char *end = memchr(at, '\n', (size_t)(body_end - at));

        end = end != NULL ? end + 1 : body_end;
        if (strncmp(at, "{\"type\":\"urn:assay:problem", 26) == 0)
            return refused(p, at, (int)(end - at));
        keep(p, at, (size_t)(end - at));
        p->answered++;
        p->at = line_end(p, p->at);
        at = end;
    }
    return 0;
}

static int play_batch(struct player *p)
{
    const char *end = p->at;
    long left = p->count < 0 ? p->batch : p->count - p->answered;
    int status;

    for (long i = 0; i < p->batch && i < left && end < p->end; i++) {
        const char *next = line_end(p, end);

        if (next - p->at > REQUEST_MAX - HEAD_MAX)
            break;
        end = next;
    }
    status = ask(p, "/v1/decisions:batch", "x-ndjson", p->at, (size_t)(end - p->at));
    if (status == 0)
        return EXIT_DIED;
    return status == 200 ? take_answers(p) : refused(p, p->body, (int)p->body_length);
}

static int play(struct player *p)
{
    double start = now_s();
    int exit_code = 0;

    if (!dial(p))
        exit_code = EXIT_DIED;
    while (exit_code == 0 && p->at < p->end && (p->count < 0 || p->answered < p->count))
        exit_code = p->batch > 0 ? play_batch(p) : play_one(p);
    printf("{\"answered\":%ld,\"seconds\":%.3f}\n", p->answered, now_s() - start);
    if (p->fd >= 0)
        close(p->fd);
    return exit_code;
}

/* ---- the command line */

static bool map_file(struct player *p)
{
    int fd = open(p->file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    const char *bytes = "";

    if (fd < 0 || fstat(fd, &st) != 0)
        return false;
    if (st.st_size > 0)
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        return false;
    p->at = bytes;
    p->end = p->at + st.st_size;
    for (long i = 0; i < p->from && p->at < p->end; i++)
        p->at = line_end(p, p->at);
    return true;
}

static bool read_option(struct player *p, const char *name, const char *value)
{
    if (strcmp(name, "--port") == 0)
        p->port = (uint16_t)atoi(value);
    else if (strcmp(name, "--batch") == 0)
        p->batch = atol(value);
    else if (strcmp(name, "--from") == 0)
        p->from = atol(value);
    else if (strcmp(name, "--count") == 0)
        p->count = atol(value);
    else if (strcmp(name, "--wait") == 0)
        p->wait_s = atol(value);
    else if (strcmp(name, "--answers") == 0)
        p->answers = fopen(value, "ae");
    else
        return false;
    return strcmp(name, "--answers") != 0 || p->answers != NULL;
}

static bool read_options(struct player *p, int argc, char **argv)
{
    int i = 1;

    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (!read_option(p, argv[i], argv[i + 1]))
            return false;
    }
    p->file = i < argc ? argv[i++] : NULL;
    return i == argc && p->port != 0 && (p->file != NULL) != (p->wait_s > 0);
}

int main(int argc, char **argv)
{
    struct player p = {.count = -1, .fd = -1, .answer_size = 64 << 10};
    int exit_code;

    if (!read_options(&p, argc, argv)) {
        fprintf(stderr, "usage: player --port N [--batch LINES] [--from K] [--count M] "
                        "[--answers FILE] FILE\n       player --port N --wait SECONDS\n");
        return 2;
    }
    p.request = malloc(REQUEST_MAX);
    p.answer = malloc(p.answer_size);
    if (p.file != NULL && !map_file(&p)) {
        fprintf(stderr, "player: %s: %s\n", p.file, strerror(errno));
        return 2;
    }
    exit_code = p.wait_s > 0 ? wait_ready(&p) : play(&p);
    if (p.answers != NULL && fclose(p.answers) != 0)
        exit_code = 2;
    free(p.request);
    free(p.answer);
    return exit_code;
}
