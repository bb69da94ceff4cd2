/* What http.c and http_request.c share; private to them. */
#ifndef ASSAY_SERVE_HTTP_INSIDE_H
#define ASSAY_SERVE_HTTP_INSIDE_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "shell/serve/http.h"
#include "shell/serve/listen.h"

enum { CONNECTIONS_SPARE = 128 }; /* over the limit, while those that were cut are being closed */

enum stage { IDLE, READING, WAITING, ANSWERING };

/* Of a connection that waits. */
enum wait {
    HELD,
    ASLEEP,
    FINISHED, /* resumed: its I/O thread's again */
    LEFT,     /* its peer has gone: who resumes it ends it */
};

struct connection {
    struct exchange exchange;
    struct http *http;
    struct loop *loop;
    struct MHD_Connection *mhd;
    enum stage stage;
    atomic_uint wait;         /* enum wait */
    char *path;               /* of the request, decoded */
    const char *target;       /* of the request: its path, where the library decodes it */
    bool is_held;             /* counted in loop.held, */
    unsigned looks;           /* and asked for so often */
    size_t body_bytes;        /* received; those over body_max were dropped, */
    size_t kept_bytes;        /* these not */
    _Atomic int64_t since_us; /* of the last answer; 0 while a request is being answered */
    int fd;
    char address[INET6_ADDRSTRLEN];
    bool is_cut; /* under the lock: it was shut down, and is closed when its loop sees that */
    struct connection *before, *after;
};

/* One I/O thread with a daemon of its own; all daemons accept from one socket. */
struct loop {
    struct http *http;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    int wake_fd;          /* eventfd, written to where the loop is asleep: */
    atomic_bool is_woken; /* connections were resumed */
    atomic_bool is_asleep;
    unsigned held;
    bool has_moved;    /* in this turn something was done for somebody */
    unsigned begun;    /* requests since the loop slept last */
    int64_t turned_us; /* monotonic: when that was over */
};

struct http {
    struct http_options o;
    struct loop *loops;
    unsigned loop_count; /* that were started */
    struct listening listening;
    _Atomic uint64_t body_bytes;      /* of all connections */
    atomic_uint answering, suspended; /* requests */
    atomic_uint open;                 /* connections */
    atomic_bool is_stopping;          /* no new connections */
    atomic_bool is_over;              /* the loops end */
    pthread_mutex_t lock;             /* of the list */
    struct connection *first;
    unsigned listed, cut; /* connections of the list, and how many of them were cut */
    pthread_t guard;
};

/* What the library calls; contexts: struct http, and for on_connection struct loop. */
void *on_target(void *context, const char *target, struct MHD_Connection *mhd);
size_t unescape(void *context, struct MHD_Connection *mhd, char *text);
enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url,
                           const char *method, const char *version, const char *upload,
                           size_t *upload_bytes, void **request);
void on_completed(void *context, struct MHD_Connection *mhd, void **request,
                  enum MHD_RequestTerminationCode code);
void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                   enum MHD_ConnectionNotificationCode code);

/* Of the thread that cuts connections: struct http. */
void *guard_main(void *context);

#endif
