// SPDX-License-Identifier: Apache-2.0
/*
 * The word of the table of commands that somebody may have meant: the one that begins with what was written, else the one
 * with the fewest letters wrong, missing, too many or exchanged, at most two of them and half of the word. Or what other
 * programs call so.
 */
#include <string.h>

#include "commands.h"

enum { WORD_MAX = 24, MISTAKES_MAX = 2 };

struct search {
    const char *word;
    const char *best;
    unsigned mistakes; /* of the best */
};

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Edit distance where two neighbours exchanged are one mistake. */
static unsigned mistakes(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1];
    size_t n = strlen(a), m = strlen(b);

    for (unsigned j = 0; j <= m; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= n; i++) {
        unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= m; j++) {
            now[j] = least(last[j] + 1, now[j - 1] + 1);
            now[j] = least(now[j], last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

static void look_at(struct search *s, const char *candidate)
{
    size_t length = strlen(s->word), whole = strlen(candidate);

    if (length == 0 || length > WORD_MAX || whole > WORD_MAX)
        return;
    unsigned count =
        length >= 2 && strncmp(candidate, s->word, length) == 0 ? 0 : mistakes(s->word, candidate);
    if (count < s->mistakes && (count == 0 || 2 * count <= whole)) {
        s->mistakes = count;
        s->best = candidate;
    }
}

const char *nearest_object(const char *name)
{
    struct search s = {name, NULL, MISTAKES_MAX + 1};
    for (size_t i = 0; i < ObjectCount; i++)
        look_at(&s, Objects[i].name);
    return s.best;
}

/* What other programs call it. */
static const char *synonym(const char *object, const char *name)
{
    static const char *const words[][2] = {
        {"ls", "list"},    {"ls", "show"},    {"list", "show"},  {"get", "show"},   {"rm", "del"},
        {"remove", "del"}, {"delete", "del"}, {"rm", "delete"},  {"create", "add"}, {"new", "add"},
        {"change", "set"}, {"update", "set"}, {"load", "apply"}, {"kill", "delete"}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i][0], name) == 0 && find_command(object, words[i][1]))
            return words[i][1];
    }
    return NULL;
}

const char *nearest_verb(const char *object, const char *name)
{
    struct search s = {name, NULL, MISTAKES_MAX + 1};
    const char *known = synonym(object, name);

    if (known)
        return known;
    for (size_t i = 0; i < CommandCount; i++) {
        if (Commands[i].verb && strcmp(Commands[i].object, object) == 0)
            look_at(&s, Commands[i].verb);
    }
    return s.best;
}

const char *nearest_key(const struct object *object, const char *name)
{
    struct search s = {name, NULL, MISTAKES_MAX + 1};
    for (size_t i = 0; i < object->n_keys; i++)
        look_at(&s, object->keys[i].name);
    return s.best;
}
