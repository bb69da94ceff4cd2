/* The console's files: a page in the binary, which uses the API like everybody else.
 *
 * They are made of ui/ when the binary is built (scripts/console.py) and given to the server as a
 * table, so that neither the library nor its tests carry them. Each is packed once, when it is
 * built; who does not take gzip gets it unpacked.
 *
 * A path of a file is that file. "/", and whatever else a browser opens as a page (a path that is
 * none of the API's, and a header Accept that has text/html), is index.html: the page has its own
 * routes. Anybody may have the files; they hold nothing but the program. */
#ifndef ASSAY_SERVE_CONSOLE_H
#define ASSAY_SERVE_CONSOLE_H

#include "shell/serve/route.h"

enum { CONSOLE_FILE_BYTES_MAX = 16 << 20 }; /* unpacked */

struct console_file {
    const char *path; /* "/assets/index-3f9a.js" */
    const char *type;
    const char *packed; /* gzip */
    uint32_t packed_bytes, bytes;
    const char *tag;   /* an ETag, of the unpacked bytes */
    bool is_immutable; /* its name has its content's hash */
};

struct console {
    const struct console_file *files; /* by path */
    uint32_t count;
    const char *absent; /* why there are none; "": there are */
};

/* The route of a path that no row of the table has; NULL: it is none of the console's. */
const struct route *console_route(const struct console *c, struct exchange *x);

#endif
