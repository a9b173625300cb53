// SPDX-License-Identifier: Apache-2.0
/* The weights of the scheduler `fast`: how much faster than the median a backend answers. */
#include "schedule.h"
#include "smooth.h"

static bool faster(const struct pc_schedule_work *a, const struct pc_schedule_work *b)
{
    return a->count < b->count;
}

static uint16_t weight_of(uint32_t median, uint32_t response)
{
    uint64_t weight = ((uint64_t)PC_FAST_MEDIAN * median + response / 2) / response;

    if (weight < PC_FAST_MEDIAN / PC_FAST_RANGE)
        return PC_FAST_MEDIAN / PC_FAST_RANGE;
    if (weight > PC_FAST_MEDIAN * PC_FAST_RANGE)
        return PC_FAST_MEDIAN * PC_FAST_RANGE;
    return (uint16_t)weight;
}

void pc_schedule_fast(const struct pc_schedule_backend *backends, const uint32_t *response,
                      size_t n, struct pc_schedule_work *work, uint16_t *weights)
{
    size_t measured = 0;

    for (size_t i = 0; i < n; i++) {
        if (backends[i].weight && response[i])
            work[measured++].count = response[i];
    }
    pc_smooth_sort(work, measured, faster);
    uint32_t median = measured ? work[(measured - 1) / 2].count : 0;
    for (size_t i = 0; i < n; i++) {
        if (!backends[i].weight)
            weights[i] = 0;
        else
            weights[i] = response[i] ? weight_of(median, response[i]) : PC_FAST_MEDIAN;
    }
}
