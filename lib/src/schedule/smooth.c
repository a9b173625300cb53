// SPDX-License-Identifier: Apache-2.0
/* Shares by largest remainder, and the turns of smooth weighted round robin, class by class. */
#include "smooth.h"

static void swap(struct pc_schedule_work *a, struct pc_schedule_work *b)
{
    struct pc_schedule_work t = *a;
    *a = *b;
    *b = t;
}

static void sift_down(struct pc_schedule_work *work, size_t at, size_t n, pc_smooth_before before)
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(&work[child], &work[child + 1]))
            child++;
        if (!before(&work[at], &work[child]))
            return;
        swap(&work[at], &work[child]);
    }
}

void pc_smooth_sort(struct pc_schedule_work *work, size_t n, pc_smooth_before before)
{
    for (size_t i = n / 2; i-- > 0;)
        sift_down(work, i, n, before);
    for (size_t end = n; end-- > 1;) {
        swap(&work[0], &work[end]);
        sift_down(work, 0, end, before);
    }
}

static bool smaller_share(const struct pc_schedule_work *a, const struct pc_schedule_work *b)
{
    return a->share < b->share;
}

static bool larger_rest(const struct pc_schedule_work *a, const struct pc_schedule_work *b)
{
    return a->rest != b->rest ? a->rest > b->rest : a->rank < b->rank;
}

static bool larger_count(const struct pc_schedule_work *a, const struct pc_schedule_work *b)
{
    return a->count != b->count ? a->count > b->count : a->rank < b->rank;
}

void pc_smooth_share(struct pc_schedule_work *work, size_t n, uint32_t turns)
{
    uint64_t sum = 0;
    size_t low = 0; /* how many are lifted to one turn */

    for (size_t i = 0; i < n; i++)
        sum += work[i].share;
    pc_smooth_sort(work, n, smaller_share);
    /* Each that is lifted leaves the others less than before, so all that need it are the first ones. */
    for (; low < n && work[low].share * (uint64_t)turns < sum; low++) {
        work[low].count = 1;
        sum -= work[low].share;
        turns--;
    }
    uint32_t left = turns;
    for (size_t i = low; i < n; i++) {
        uint64_t product = work[i].share * (uint64_t)turns;
        work[i].count = (uint32_t)(product / sum);
        work[i].rest = (uint32_t)(product % sum);
        left -= work[i].count;
    }
    pc_smooth_sort(work + low, n - low, larger_rest);
    for (size_t i = 0; i < left; i++)
        work[low + i].count++;
}

void pc_smooth_start(struct pc_smooth *s, struct pc_schedule_work *work, size_t n)
{
    s->work = work;
    s->total = 0;
    s->classes = 0;
    pc_smooth_sort(work, n, larger_count);
    for (uint32_t i = 0; i < n; i++) {
        s->total += work[i].count;
        if (i == 0 || work[i].count != work[i - 1].count)
            s->class[s->classes++] = (struct pc_smooth_class){.count = work[i].count, .first = i};
        s->class[s->classes - 1].members++;
    }
}

static const struct pc_schedule_work *head(const struct pc_smooth *s,
                                           const struct pc_smooth_class *c)
{
    return &s->work[c->first + c->next];
}

struct pc_schedule_work *pc_smooth_next(struct pc_smooth *s)
{
    struct pc_smooth_class *best = s->class;

    best->current += best->count;
    for (uint32_t i = 1; i < s->classes; i++) {
        struct pc_smooth_class *c = &s->class[i];
        c->current += c->count;
        if (c->current > best->current ||
            (c->current == best->current && head(s, c)->rank < head(s, best)->rank))
            best = c;
    }
    struct pc_schedule_work *turn = &s->work[best->first + best->next];
    /* The next member has what this one had, unless it has taken this round's turn already. */
    if (++best->next == best->members) {
        best->next = 0;
        best->current -= s->total;
    }
    return turn;
}
