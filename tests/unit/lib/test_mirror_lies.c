// SPDX-License-Identifier: Apache-2.0
/* A card that lies to the mirror of its connections: random lies and those of the fuzzer's seeds, told to the sanitizers. */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "sim/rng.h"
#include "tests/fuzz/mirror_lies.h"

enum { RUNS = 300, BYTES = 2000 };

static void random_lies(void **state)
{
    (void)state;
    print_message("# seeds 1 to %d\n", RUNS);
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct pc_rng rng = pc_rng_stream(seed, "mirror lies");
        uint8_t bytes[BYTES];
        size_t len = pc_rng_below(&rng, sizeof(bytes));
        pc_rng_bytes(&rng, bytes, len);
        mirror_lies(bytes, len);
    }
}

static void kept_lies(void **state)
{
    static const char folder[] = "tests/fuzz/seeds/mirror";
    uint8_t bytes[BYTES];
    unsigned files = 0;
    DIR *dir = opendir(folder);
    (void)state;
    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        char name[512];
        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s", folder, e->d_name);
        FILE *file = fopen(name, "rb");
        assert_non_null(file);
        mirror_lies(bytes, fread(bytes, 1, sizeof(bytes), file));
        fclose(file);
        files++;
    }
    closedir(dir);
    assert_true(files >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lies),
        cmocka_unit_test(kept_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
