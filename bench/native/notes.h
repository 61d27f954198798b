#ifndef NOTES_H
#define NOTES_H

#include <stdio.h>

#include "model.h"

void write_stamps(FILE *file, const struct stamps *s);
void write_calls(FILE *file); /* all that are up; what was noted is forgotten then */

#endif
