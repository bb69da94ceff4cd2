#include "shell/report/html.h"

#include <string.h>

#include "shell/report/style.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Length of the valid character that begins here, or 0. */
static size_t character_length(const char *at, size_t left)
{
    for (size_t length = 1; length <= 4 && length <= left; length++)
        if (text_is_utf8((struct text){at, length}))
            return length;
    return 0;
}

static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\t':
    case '\n':
    case '\r':
        return " ";
    default:
        return (unsigned char)c < 0x20 || c == 0x7f ? replacement : NULL;
    }
}

static void html_slice(struct buffer *out, const char *text, size_t left)
{
    while (left > 0) {
        size_t length = character_length(text, left);
        const char *escaped = length == 0 ? replacement : length == 1 ? escape_of(*text) : NULL;

        if (escaped != NULL)
            buffer_add_text(out, escaped);
        else
            buffer_add(out, text, length);
        text += length > 0 ? length : 1;
        left -= length > 0 ? length : 1;
    }
}

void html_text(struct buffer *out, const char *text)
{
    html_slice(out, text, text != NULL ? strlen(text) : 0);
}

void html_open(struct buffer *out, const char *title)
{
    buffer_add_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                         "<meta name=\"viewport\" content=\"width=device-width, "
                         "initial-scale=1\">\n"
                         "<meta name=\"color-scheme\" content=\"light dark\">\n"
                         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                         "'none'; style-src 'unsafe-inline'\">\n<title>");
    html_text(out, title);
    buffer_add_text(out, "</title>\n<style>\n");
    buffer_add_text(out, style_sheet);
    buffer_add_text(out, "</style>\n</head>\n<body>\n");
}

void html_close(struct buffer *out)
{
    buffer_add_text(out, "</body>\n</html>\n");
}

void html_section_open(struct buffer *out, const char *id, const char *heading)
{
    buffer_format(out, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">", id, id);
    html_text(out, heading);
    buffer_add_text(out, "</h2>\n");
}

void html_section_close(struct buffer *out)
{
    buffer_add_text(out, "</section>\n");
}

void html_paragraph(struct buffer *out, const char *class_name, const char *text)
{
    bool in_brackets = false;
    const char *from = text;

    buffer_format(out, "<p class=\"%s\">", class_name);
    for (; *text != 0; text++) {
        if (*text == '[' || *text == ']')
            in_brackets = *text == '[';
        if (*text != ' ' || !(in_brackets || text[1] == '%'))
            continue;
        html_slice(out, from, (size_t)(text - from));
        buffer_add_text(out, "&#160;");
        from = text + 1;
    }
    html_text(out, from);
    buffer_add_text(out, "</p>\n");
}

void html_table_open(struct buffer *out, const char *caption, const char *const *heading,
                     unsigned headings)
{
    html_table_open_words(out, caption, heading, headings, 0);
}

void html_table_open_words(struct buffer *out, const char *caption, const char *const *heading,
                           unsigned headings, uint32_t words)
{
    buffer_add_text(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
    html_text(out, caption);
    buffer_add_text(out, "\"><table>\n<caption>");
    html_text(out, caption);
    buffer_add_text(out, "</caption>\n<thead><tr>");
    for (unsigned i = 0; i < headings; i++) {
        buffer_format(out, "<th scope=\"col\"%s>",
                      i < 32 && (words >> i & 1) != 0 ? " class=\"left\"" : "");
        html_text(out, heading[i]);
        buffer_add_text(out, "</th>");
    }
    buffer_add_text(out, "</tr></thead>\n<tbody>\n");
}

void html_table_close(struct buffer *out)
{
    buffer_add_text(out, "</tbody></table></div>\n");
}
