/* A small writer of charts as inline SVG. It draws; colours and strokes are classes of the page's
 * style sheet, so one picture serves light, dark and paper. Titles, labels and tips are escaped;
 * class names and ids are ours and are not.
 *
 *     struct svg_chart c = {.out = out, .width = 480, .height = 320, .x = {...}, .y = {...}};
 *     svg_open(&c, "roc", "ROC curve", "Recall over false alarms");
 *     svg_axes(&c);
 *     svg_line(&c, x, y, points, "series m0");
 *     svg_close(&c);
 */
#ifndef ASSAY_SHELL_REPORT_SVG_H
#define ASSAY_SHELL_REPORT_SVG_H

#include <stdint.h>

#include "core/base/buffer.h"

enum svg_format { SVG_NUMBER, SVG_PERCENT, SVG_COUNT };

struct svg_axis {
    double low, high; /* of the data; a log axis needs 0 < low < high */
    bool is_log;
    enum svg_format format;
    const char *label; /* or NULL */
};

struct svg_chart {
    struct buffer *out;
    double width, height;            /* of the view box */
    double left, top, right, bottom; /* margins */
    struct svg_axis x, y;
};

void svg_open(struct svg_chart *c, const char *id, const char *title, const char *description);
void svg_close(struct svg_chart *c);

/* Grid lines at round values with their labels; either may be left out. */
void svg_axis_x(struct svg_chart *c);
void svg_axis_y(struct svg_chart *c);
void svg_axes(struct svg_chart *c);

/* All in data coordinates, kept inside the plot. A tip is shown by pointing, and may be NULL. */
void svg_line(struct svg_chart *c, const double *x, const double *y, uint32_t points,
              const char *class_name);
void svg_segment(struct svg_chart *c, double x0, double y0, double x1, double y1,
                 const char *class_name);
void svg_bar(struct svg_chart *c, double x0, double x1, double y0, double y1,
             const char *class_name, const char *tip);
void svg_point(struct svg_chart *c, double x, double y, const char *class_name, const char *tip);
enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };
void svg_words(struct svg_chart *c, double x, double y, double dx, double dy,
               enum svg_anchor anchor, const char *class_name, const char *words);

double svg_x(const struct svg_chart *c, double x); /* in the view box */
double svg_y(const struct svg_chart *c, double y);

/* Round steps for an axis: 1, 2 or 5 times a power of ten, about `wanted` of them. */
double svg_step(double span, unsigned wanted);

#endif
