// SPDX-License-Identifier: Apache-2.0
/* Why a file cannot be read or written, as a sentence with its cure. */
#ifndef PC_FILE_WORDS_H
#define PC_FILE_WORDS_H

/* What follows "FILE cannot be read: " or "FILE cannot be written: " for an errno; valid until the next call. */
const char *file_words(int error);

#endif
