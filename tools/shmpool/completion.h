/* The tables of verbs and options as bash reads them, for completion.bash. */
#ifndef COMPLETION_H
#define COMPLETION_H

void completion_print(void);

#endif
