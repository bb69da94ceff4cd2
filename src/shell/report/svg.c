#include "shell/report/svg.h"

#include <math.h>
#include <stdio.h>

#include "shell/report/html.h"

enum { TICKS_WANTED = 4, TICK_TEXT_MAX = 48 };

static double along(const struct svg_axis *a, double v)
{
    double share;

    if (a->is_log)
        share = v <= a->low ? 0 : log(v / a->low) / log(a->high / a->low);
    else
        share = (v - a->low) / (a->high - a->low);
    return share > 0 ? share < 1 ? share : 1 : 0; /* NaN is 0 */
}

double svg_x(const struct svg_chart *c, double x)
{
    return c->left + along(&c->x, x) * (c->width - c->left - c->right);
}

double svg_y(const struct svg_chart *c, double y)
{
    return c->height - c->bottom - along(&c->y, y) * (c->height - c->top - c->bottom);
}

void svg_open(struct svg_chart *c, const char *id, const char *title, const char *description)
{
    buffer_format(c->out,
                  "<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-labelledby=\"%s-t %s-d\">"
                  "<title id=\"%s-t\">",
                  c->width, c->height, id, id, id);
    html_text(c->out, title);
    buffer_format(c->out, "</title><desc id=\"%s-d\">", id);
    html_text(c->out, description);
    buffer_add_text(c->out, "</desc>\n");
}

void svg_close(struct svg_chart *c)
{
    buffer_add_text(c->out, "</svg>\n");
}

double svg_step(double span, unsigned wanted)
{
    double rough = span / (wanted > 0 ? wanted : 1), power = pow(10, floor(log10(rough)));
    double lead = rough / power;

    return power * (lead < 1.5 ? 1 : lead < 2.9 ? 2 : lead < 7 ? 5 : 10);
}

static void tick_text(const struct svg_axis *a, double v, char out[TICK_TEXT_MAX])
{
    double magnitude = fabs(v);

    if (magnitude < 1e-12)
        v = 0; /* and no -0 */
    if (a->format == SVG_PERCENT)
        snprintf(out, TICK_TEXT_MAX, "%.6g %%", v * 100);
    else if (a->format == SVG_COUNT && magnitude >= 1e6)
        snprintf(out, TICK_TEXT_MAX, "%.6gM", v / 1e6);
    else if (a->format == SVG_COUNT && magnitude >= 1e3)
        snprintf(out, TICK_TEXT_MAX, "%.6gk", v / 1e3);
    else
        snprintf(out, TICK_TEXT_MAX, "%.6g", v);
}

/* The ticks of an axis one after another: the first for *v = NaN; false past the last. */
static bool next_tick(const struct svg_axis *a, double *v)
{
    double step = a->is_log ? 10 : svg_step(a->high - a->low, TICKS_WANTED);

    if (isnan(*v))
        *v = a->is_log ? pow(10, ceil(log10(a->low) - 1e-9)) : ceil(a->low / step - 1e-9) * step;
    else if (a->is_log)
        *v *= step;
    else
        *v = round(*v / step + 1) * step;
    return *v <= a->high * (1 + 1e-9);
}

static void label_at(struct svg_chart *c, double x, double y, enum svg_anchor anchor,
                     const char *extra, const char *class_name, const char *words)
{
    static const char *const name[] = {"start", "middle", "end"};

    buffer_format(c->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\"%s>", x, y,
                  name[anchor], class_name, extra);
    html_text(c->out, words);
    buffer_add_text(c->out, "</text>\n");
}

static void line_at(struct svg_chart *c, double x0, double y0, double x1, double y1,
                    const char *class_name)
{
    buffer_format(c->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n",
                  x0, y0, x1, y1, class_name);
}

void svg_axis_x(struct svg_chart *c)
{
    double foot = c->height - c->bottom, v = NAN;
    char text[TICK_TEXT_MAX];

    while (next_tick(&c->x, &v)) {
        double x = svg_x(c, v);

        line_at(c, x, c->top, x, foot, "grid");
        tick_text(&c->x, v, text);
        label_at(c, x, foot + 17, SVG_MIDDLE, "", "label", text);
    }
    line_at(c, c->left, foot, c->width - c->right, foot, "axis");
    if (c->x.label != NULL)
        label_at(c, (c->left + c->width - c->right) / 2, foot + 36, SVG_MIDDLE, "", "label",
                 c->x.label);
}

void svg_axis_y(struct svg_chart *c)
{
    double v = NAN, middle = (c->top + c->height - c->bottom) / 2;
    char text[TICK_TEXT_MAX];

    while (next_tick(&c->y, &v)) {
        double y = svg_y(c, v);

        line_at(c, c->left, y, c->width - c->right, y, "grid");
        tick_text(&c->y, v, text);
        label_at(c, c->left - 7, y + 4, SVG_END, "", "label", text);
    }
    if (c->y.label != NULL) {
        snprintf(text, sizeof text, " transform=\"rotate(-90 14 %.0f)\"", middle);
        label_at(c, 14, middle, SVG_MIDDLE, text, "label", c->y.label);
    }
}

void svg_axes(struct svg_chart *c)
{
    svg_axis_y(c);
    svg_axis_x(c);
}

void svg_line(struct svg_chart *c, const double *x, const double *y, uint32_t points,
              const char *class_name)
{
    if (points == 0)
        return;
    buffer_format(c->out, "<polyline class=\"%s\" points=\"", class_name);
    for (uint32_t i = 0; i < points; i++)
        buffer_format(c->out, "%s%.1f,%.1f", i > 0 ? " " : "", svg_x(c, x[i]), svg_y(c, y[i]));
    buffer_add_text(c->out, "\"/>\n");
}

void svg_segment(struct svg_chart *c, double x0, double y0, double x1, double y1,
                 const char *class_name)
{
    line_at(c, svg_x(c, x0), svg_y(c, y0), svg_x(c, x1), svg_y(c, y1), class_name);
}

static void end_with_tip(struct svg_chart *c, const char *element, const char *tip)
{
    if (tip == NULL) {
        buffer_add_text(c->out, "/>\n");
        return;
    }
    buffer_add_text(c->out, "><title>");
    html_text(c->out, tip);
    buffer_format(c->out, "</title></%s>\n", element);
}

void svg_bar(struct svg_chart *c, double x0, double x1, double y0, double y1,
             const char *class_name, const char *tip)
{
    double left = svg_x(c, x0), right = svg_x(c, x1), foot = svg_y(c, y0), head = svg_y(c, y1);

    buffer_format(c->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"",
                  left, head, fmax(right - left, 0), fmax(foot - head, 0), class_name);
    end_with_tip(c, "rect", tip);
}

void svg_point(struct svg_chart *c, double x, double y, const char *class_name, const char *tip)
{
    buffer_format(c->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" class=\"%s\"", svg_x(c, x),
                  svg_y(c, y), class_name);
    end_with_tip(c, "circle", tip);
}

void svg_words(struct svg_chart *c, double x, double y, double dx, double dy,
               enum svg_anchor anchor, const char *class_name, const char *words)
{
    label_at(c, svg_x(c, x) + dx, svg_y(c, y) + dy, anchor, "", class_name, words);
}
