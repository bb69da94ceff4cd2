/* The style sheet of the report: colours for light and dark, phones, and paper. */
#ifndef ASSAY_SHELL_REPORT_STYLE_H
#define ASSAY_SHELL_REPORT_STYLE_H

extern const char style_sheet[];

#endif
