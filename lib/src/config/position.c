// SPDX-License-Identifier: Apache-2.0
/* The scanner that finds the line of every JSON value; see position.h. */
#include "position.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct scan {
    const char *text;
    size_t len, at;
    int line;
    struct pc_positions positions;
    size_t room;
};

static void skip_space(struct scan *s)
{
    for (; s->at < s->len; s->at++) {
        char c = s->text[s->at];
        if (c == '\n')
            s->line++;
        else if (c != ' ' && c != '\t' && c != '\r')
            return;
    }
}

static bool take(struct scan *s, char c)
{
    if (s->at >= s->len || s->text[s->at] != c)
        return false;
    s->at++;
    return true;
}

static bool skip_string(struct scan *s)
{
    if (!take(s, '"'))
        return false;
    while (s->at < s->len) {
        char c = s->text[s->at++];
        if (c == '"')
            return true;
        if (c == '\\')
            s->at++;
    }
    return false;
}

static int add(struct scan *s, int key_line, size_t *ret)
{
    if (s->positions.count == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        struct pc_position *at = realloc(s->positions.at, room * sizeof(*at));
        if (!at)
            return -ENOMEM;
        s->positions.at = at;
        s->room = room;
    }
    *ret = s->positions.count++;
    s->positions.at[*ret] = (struct pc_position){s->line, key_line ? key_line : s->line, 0};
    return 0;
}

static int scan_value(struct scan *s, int key_line, unsigned depth);

static int scan_members(struct scan *s, char close, unsigned depth)
{
    s->at++;
    skip_space(s);
    if (take(s, close))
        return 0;
    for (;;) {
        int key_line = 0;
        skip_space(s);
        if (close == '}') {
            key_line = s->line;
            if (!skip_string(s))
                return -EBADMSG;
            skip_space(s);
            if (!take(s, ':'))
                return -EBADMSG;
            skip_space(s);
        }
        int rc = scan_value(s, key_line, depth + 1);
        if (rc)
            return rc;
        skip_space(s);
        if (take(s, close))
            return 0;
        if (!take(s, ','))
            return -EBADMSG;
    }
}

/* As deep as jansson's parser goes. */
#define DEPTH_MAX 2048

// NOLINTNEXTLINE(misc-no-recursion)
static int scan_value(struct scan *s, int key_line, unsigned depth)
{
    size_t index;
    int rc;

    if (depth > DEPTH_MAX || s->at >= s->len)
        return -EBADMSG;
    rc = add(s, key_line, &index);
    if (rc)
        return rc;
    char c = s->text[s->at];
    if (c == '{' || c == '[') {
        rc = scan_members(s, c == '{' ? '}' : ']', depth);
        if (rc)
            return rc;
    } else if (c == '"') {
        if (!skip_string(s))
            return -EBADMSG;
    } else {
        size_t start = s->at;
        while (s->at < s->len && !strchr(",]} \t\r\n", s->text[s->at]))
            s->at++;
        if (s->at == start)
            return -EBADMSG;
    }
    s->positions.at[index].next = s->positions.count;
    return 0;
}

int pc_positions_build(const char *text, size_t len, struct pc_positions *ret)
{
    struct scan s = {.text = text, .len = len, .line = 1};

    skip_space(&s);
    int rc = scan_value(&s, 0, 0);
    if (rc) {
        free(s.positions.at);
        return rc;
    }
    *ret = s.positions;
    return 0;
}

void pc_positions_free(struct pc_positions *positions)
{
    free(positions->at);
    positions->at = NULL;
    positions->count = 0;
}

size_t pc_positions_child(const struct pc_positions *positions, size_t parent, size_t member)
{
    size_t at = parent + 1;
    while (member-- > 0)
        at = positions->at[at].next;
    return at;
}
