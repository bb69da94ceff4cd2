#include "shell/settings/notify.h"

#include <stdio.h>

#include "shell/settings/keys.h"

enum { NAME_MAX_BYTES = 64, AT_MOST_USUAL = 20, ADDRESS_MAX = 254, URL_MAX_BYTES = 2000 };

struct look {
    const struct settings *s;
    const struct notify_setting *n;
    struct error *e;
};

static bool blame(const struct look *l, const char *member, const char *words)
{
    char path[KEY_PATH_MAX];

    error_set(l->e, ERROR_INVALID, "%s", words);
    snprintf(path, sizeof path, "notify.%.200s%s", l->n->name, member);
    return settings_blame(l->s, path, l->e);
}

/* It is a file's name too. */
static bool name_is_good(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= NAME_MAX_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
               length;
}

/* Printable ASCII without what could end it or begin another. */
static bool address_is_good(const char *a)
{
    const char *at = strchr(a, '@');

    if (at == NULL || at == a || at[1] == 0 || strlen(a) > ADDRESS_MAX)
        return false;
    for (const char *c = a; *c != 0; c++) {
        if (*c <= ' ' || *c >= 127 || strchr("<>,;\"\\()", *c) != NULL)
            return false;
    }
    return true;
}

static bool begins(const char *url, const char *a, const char *b)
{
    return url != NULL && strlen(url) <= URL_MAX_BYTES && text_is_plain(text_of(url)) &&
           (strncmp(url, a, strlen(a)) == 0 || strncmp(url, b, strlen(b)) == 0);
}

static bool verify_email(const struct look *l)
{
    const struct notify_setting *n = l->n;

    if (!begins(n->url, "smtp://", "smtps://"))
        return blame(l, ".url", "expected the mail server, smtp://host:587 or smtps://host:465");
    if (n->from == NULL || !address_is_good(n->from))
        return blame(l, ".from", "expected the sender's address, such as assay@example.org");
    if (n->recipient_count == 0)
        return blame(l, ".recipients", "expected the addresses that it goes to");
    for (uint32_t i = 0; i < n->recipient_count; i++) {
        if (!address_is_good(n->recipients[i]))
            return blame(l, ".recipients", "expected addresses such as risk@example.org");
    }
    if ((n->user == NULL) != (n->password == NULL))
        return blame(l, "", "a user and a password belong together");
    if (n->user != NULL && !n->tls && strncmp(n->url, "smtps://", 8) != 0)
        return blame(l, ".tls", "a password does not go over a connection that is not encrypted");
    return true;
}

static bool verify_one(const struct look *l)
{
    const struct notify_setting *n = l->n;

    if (!name_is_good(n->name))
        return blame(l, "", "expected a name of 1 to 64 letters, digits, _ and -");
    if (n->to == NOTIFY_TO_EMAIL)
        return verify_email(l);
    if (n->to == NOTIFY_TO_TOPIC)
        return n->topic != NULL || blame(l, ".topic", "expected the name of the topic");
    if (!begins(n->url, "https://", "http://"))
        return blame(l, ".url", "expected a URL, https://... or http://...");
    if (n->to == NOTIFY_TO_WEBHOOK && n->secret != NULL && strlen(n->secret) < 16)
        return blame(l, ".secret", "expected at least 16 characters");
    if (n->authorization != NULL && !text_is_plain(text_of(n->authorization)))
        return blame(l, ".authorization", "expected one line");
    return true;
}

bool notify_verify(struct settings *s, struct error *e)
{
    for (uint32_t i = 0; i < s->notify_count; i++) {
        struct notify_setting *n = &s->notify[i];

        if (!verify_one(&(struct look){s, n, e}))
            return false;
        if (!n->has_at_most && (n->to == NOTIFY_TO_EMAIL || n->to == NOTIFY_TO_CHAT))
            n->at_most = AT_MOST_USUAL;
    }
    return true;
}
