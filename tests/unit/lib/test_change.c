// SPDX-License-Identifier: Apache-2.0
/* Change sets on the model card: all or nothing, what is kept in the state directory, counters over changes. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ONE                                                                                        \
    "{'format': 1, 'domains': [{'name': 'shop'}], 'addresses': [{'address': '198.51.100.1', "      \
    "'domain': 'shop'}], 'backends': [{'name': 'a', 'address': '192.0.2.1', 'port': 8080, "        \
    "'function': 1}, {'name': 'b', 'address': '192.0.2.2', 'port': 8080, 'function': 1}], "        \
    "'services': [{'name': 'web', 'domain': 'shop', 'address': '198.51.100.1', 'protocol': "       \
    "'tcp', 'port': 80, 'mode': 'static', 'backends': ['a']}]}"
#define TWO                                                                                        \
    "{'format': 1, 'domains': [{'name': 'shop'}], 'addresses': [{'address': '198.51.100.1', "      \
    "'domain': 'shop'}], 'backends': [{'name': 'a', 'address': '192.0.2.1', 'port': 8080, "        \
    "'function': 1}, {'name': 'b', 'address': '192.0.2.2', 'port': 8080, 'function': 1}], "        \
    "'services': [{'name': 'web', 'domain': 'shop', 'address': '198.51.100.1', 'protocol': "       \
    "'tcp', 'port': 80, 'mode': 'static', 'backends': ['b']}]}"

static size_t rows_of(json_t *diff)
{
    return json_array_size(json_object_get(diff, "rows"));
}

static void assert_card_equals(struct portcam *pc)
{
    struct pc_image *image = pc_image_new(portcam_get_caps(pc));
    assert_int_equal(pc_hw_read_image(pc->hw, image), 0);
    assert_int_equal(pc_image_differences(image, pc->card, PORTCAM_TABLE_MAX), 0);
    assert_int_equal(pc_image_differences(image, pc->plan->image, PORTCAM_TABLE_MAX), 0);
    pc_image_free(image);
}

static void apply_and_diff(void **state)
{
    struct portcam *pc = test_open(NULL);
    struct portcam_config *one = test_config(ONE), *two = test_config(TWO);
    json_t *diff = NULL;
    (void)state;

    assert_int_equal(portcam_config_diff(pc, one, NULL, &diff), 0);
    assert_int_equal(rows_of(diff), 7);
    json_decref(diff);
    assert_int_equal(pc_image_count(pc->card, PORTCAM_TABLE_SERVICE), 0);
    assert_int_equal(portcam_config_apply(pc, one, NULL, &diff), 0);
    json_decref(diff);
    assert_card_equals(pc);
    assert_int_equal(portcam_config_apply(pc, one, NULL, &diff), 0);
    assert_int_equal(rows_of(diff), 0);
    json_decref(diff);
    assert_int_equal(portcam_config_apply(pc, two, NULL, &diff), 0);
    json_t *object = json_array_get(json_object_get(diff, "objects"), 0);
    assert_string_equal(json_string_value(json_object_get(object, "op")), "change");
    assert_string_equal(json_string_value(json_object_get(object, "name")), "web");
    json_t *backends = json_object_get(json_object_get(object, "fields"), "backends");
    assert_string_equal(json_string_value(json_array_get(json_array_get(backends, 0), 0)), "a");
    assert_string_equal(json_string_value(json_array_get(json_array_get(backends, 1), 0)), "b");
    json_decref(diff);
    assert_card_equals(pc);
    portcam_config_free(one);
    portcam_config_free(two);
    portcam_close(pc);
}

static void refused_row(void **state)
{
    struct portcam *pc = test_open(NULL);
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = test_config(TWO);
    json_t *names = pc_plan_names(pc->plan);
    struct pc_plan *plan = NULL;
    bool unknown = true;
    (void)state;

    test_apply(pc, ONE);
    assert_int_equal(
        pc_plan_make(config, portcam_get_caps(pc), pc->seed, names, pc->card, report, &plan), 0);
    /* A row that the check cannot have let through: the mode is none. */
    ((struct portcam_service_row *)(void *)plan->image->table[PORTCAM_TABLE_SERVICE][0].data)
        ->mode = 9;
    assert_int_equal(pc_change_apply(pc->hw, pc->card, plan, report, &unknown), -EIO);
    assert_false(unknown);
    assert_non_null(strstr(test_messages(report),
                           "test.json:1: service \"web\": the card refused row 0 "
                           "of table service: "));
    assert_non_null(strstr(test_messages(report), "nothing was changed"));
    assert_card_equals(pc);
    test_apply(pc, TWO);
    assert_card_equals(pc);
    pc_plan_free(plan);
    json_decref(names);
    portcam_config_free(config);
    portcam_report_free(report);
    portcam_close(pc);
}

static void left_open(void **state)
{
    struct portcam *pc = test_open(NULL);
    struct portcam_command command = {.opcode = PORTCAM_OPCODE_CHANGE_BEGIN};
    (void)state;

    assert_int_equal(pc_hw_run(pc->hw, &command, 1, NULL, NULL), 0);
    test_apply(pc, ONE);
    assert_card_equals(pc);
    portcam_close(pc);
}

/* ---- the state directory ---- */

static void take_over(struct portcam *pc)
{
    struct portcam_report *report = portcam_report_new();
    if (pc_take_over(pc, report)) {
        print_error("%s", test_messages(report));
        fail();
    }
    assert_int_equal(portcam_report_count(report, NULL), 0);
    portcam_report_free(report);
}

/* As after a start: nothing is known but the card and the directory. */
static void forget(struct portcam *pc)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = test_config("{'format': 1}");
    struct pc_plan *plan = NULL;

    assert_int_equal(
        pc_plan_make(config, portcam_get_caps(pc), pc->seed, NULL, NULL, report, &plan), 0);
    pc_plan_free(pc->plan);
    pc->plan = plan;
    portcam_config_free(config);
    assert_int_equal(pc_read_back(pc, report), 0);
    portcam_report_free(report);
}

static const char *backend_of_web(struct portcam *pc)
{
    return pc->plan->config->services[0].backend_names[0];
}

static void restart(void **state)
{
    struct portcam *pc = test_open(test_folder());
    (void)state;

    test_apply(pc, ONE);
    forget(pc);
    take_over(pc);
    assert_string_equal(pc->plan->config->services[0].name, "web");
    assert_card_equals(pc);
    portcam_close(pc);
}

static void died_after_commit(void **state)
{
    struct portcam *pc = test_open(test_folder());
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = test_config(TWO);
    struct pc_plan *plan = NULL;
    bool unknown;
    (void)state;

    test_apply(pc, ONE);
    json_t *names = pc_plan_names(pc->plan);
    assert_int_equal(
        pc_plan_make(config, portcam_get_caps(pc), pc->seed, names, pc->card, report, &plan), 0);
    assert_int_equal(pc_state_write_next(pc->state_dir, plan, report), 0);
    assert_int_equal(pc_change_apply(pc->hw, pc->card, plan, report, &unknown), 0);
    forget(pc);
    take_over(pc);
    assert_string_equal(backend_of_web(pc), "b");
    /* and it is the kept one now */
    forget(pc);
    take_over(pc);
    assert_string_equal(backend_of_web(pc), "b");
    pc_plan_free(plan);
    json_decref(names);
    portcam_config_free(config);
    portcam_report_free(report);
    portcam_close(pc);
}

static void died_before_commit(void **state)
{
    struct portcam *pc = test_open(test_folder());
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = test_config(TWO);
    struct pc_plan *plan = NULL;
    (void)state;

    test_apply(pc, ONE);
    assert_int_equal(
        pc_plan_make(config, portcam_get_caps(pc), pc->seed, NULL, pc->card, report, &plan), 0);
    assert_int_equal(pc_state_write_next(pc->state_dir, plan, report), 0);
    forget(pc);
    take_over(pc);
    assert_string_equal(backend_of_web(pc), "a");
    assert_card_equals(pc);
    pc_plan_free(plan);
    portcam_config_free(config);
    portcam_report_free(report);
    portcam_close(pc);
}

static void card_lost_its_tables(void **state)
{
    const char *dir = test_folder();
    struct portcam *pc = test_open(dir);
    (void)state;

    test_apply(pc, ONE);
    portcam_close(pc); /* the model card goes with it */
    pc = test_open(dir);
    assert_string_equal(backend_of_web(pc), "a");
    assert_card_equals(pc);
    portcam_close(pc);
}

static void drifted_rows(void **state)
{
    struct portcam *pc = test_open(test_folder());
    struct portcam_command commands[3] = {
        {.opcode = PORTCAM_OPCODE_CHANGE_BEGIN},
        {.opcode = PORTCAM_OPCODE_ROW_DELETE, .table_id = PORTCAM_TABLE_SERVICE},
        {.opcode = PORTCAM_OPCODE_CHANGE_COMMIT}};
    json_t *checks = NULL;
    (void)state;

    test_apply(pc, ONE);
    assert_int_equal(pc_hw_run(pc->hw, commands, 3, NULL, NULL), 0);
    assert_int_equal(portcam_selftest(pc, &checks), 0);
    assert_true(json_is_false(json_object_get(checks, "ok")));
    json_decref(checks);
    forget(pc);
    take_over(pc);
    assert_card_equals(pc);
    assert_int_equal(pc_image_count(pc->card, PORTCAM_TABLE_SERVICE), 1);
    portcam_close(pc);
}

static void unknown_configuration(void **state)
{
    struct portcam *pc = test_open(NULL);
    (void)state;

    test_apply(pc, ONE);
    forget(pc);
    take_over(pc);
    assert_string_equal(pc->plan->config->services[0].name, "service-0");
    assert_card_equals(pc);
    test_apply(pc, TWO);
    assert_card_equals(pc);
    portcam_close(pc);
}

static void damaged_state(void **state)
{
    const char *dir = test_folder();
    struct portcam_opts opts = {.sz = sizeof(opts), .state_dir = dir};
    struct portcam_report *report = portcam_report_new();
    struct portcam *pc = NULL;
    char name[128];
    (void)state;

    snprintf(name, sizeof(name), "%s/state.json", dir);
    FILE *file = fopen(name, "w");
    fputs("{\"format\": 1, \"numb", file);
    fclose(file);
    assert_int_equal(portcam_open(&opts, report, &pc), -EBADMSG);
    assert_non_null(strstr(test_messages(report), "state.json cannot be used: it is damaged"));
    portcam_report_free(report);
}

static void two_owners(void **state)
{
    const char *dir = test_folder();
    struct portcam *pc = test_open(dir), *other = NULL;
    struct portcam_opts opts = {.sz = sizeof(opts), .state_dir = dir};
    struct portcam_report *report = portcam_report_new();
    (void)state;

    assert_int_equal(portcam_open(&opts, report, &other), -EBUSY);
    assert_non_null(strstr(test_messages(report), "another process uses it"));
    portcam_report_free(report);
    portcam_close(pc);
}

static void unwritable_state(void **state)
{
    struct portcam *pc = test_open(test_folder());
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *two = test_config(TWO);
    (void)state;

    test_apply(pc, ONE);
    free(pc->state_dir);
    pc->state_dir = strdup("/tmp/portcam-test-is-not-there");
    assert_int_equal(portcam_config_apply(pc, two, report, NULL), -ENOENT);
    assert_string_equal(backend_of_web(pc), "a");
    assert_card_equals(pc);
    portcam_config_free(two);
    portcam_report_free(report);
    portcam_close(pc);
}

/* ---- counters ---- */

static json_int_t packets(struct portcam *pc, const char *object, const char *name, const char *way)
{
    json_t *list = NULL;
    assert_int_equal(portcam_list(pc, object, name, true, NULL, &list), 0);
    json_int_t n = json_integer_value(
        json_object_get(json_object_get(json_array_get(list, 0), way), "packets"));
    json_decref(list);
    return n;
}

static void counters_go_on(void **state)
{
    struct portcam *pc = test_open(NULL);
    (void)state;

    test_apply(pc, ONE);
    test_packet(pc, "tcp", "10.0.0.1", 1000, "198.51.100.1", 80, 0);
    test_packet(pc, "tcp", "192.0.2.1", 8080, "10.0.0.1", 1000, 1);
    assert_int_equal(packets(pc, "service", "web", "forward"), 1);
    assert_int_equal(packets(pc, "service", "web", "reverse"), 1);
    assert_int_equal(packets(pc, "address", "198.51.100.1", "forward"), 1);
    test_apply(pc, TWO);
    test_packet(pc, "tcp", "10.0.0.1", 1000, "198.51.100.1", 80, 0);
    assert_int_equal(packets(pc, "service", "web", "forward"), 2);
    assert_int_equal(packets(pc, "backend", "a", "forward"), 1);
    assert_int_equal(packets(pc, "backend", "b", "forward"), 1);
    portcam_close(pc);
}

static void reused_number_starts_at_zero(void **state)
{
    struct portcam *pc = test_open(NULL);
    (void)state;

    test_apply(pc, ONE);
    test_packet(pc, "tcp", "10.0.0.1", 1000, "198.51.100.1", 80, 0);
    assert_int_equal(packets(pc, "backend", "a", "forward"), 1);
    test_apply(pc, "{'format': 1}");
    test_apply(pc, "{'format': 1, 'backends': [{'name': 'new', 'function': 1}]}");
    assert_int_equal(pc->plan->numbers[PC_BACKEND].number[0], 0);
    assert_int_equal(packets(pc, "backend", "new", "forward"), 0);
    portcam_close(pc);
}

static void to_web(struct portcam *pc, unsigned count)
{
    while (count-- > 0)
        test_packet(pc, "tcp", "10.0.0.1", 1000, "198.51.100.1", 80, 0);
}

/* Objects of ONE whose numbers had counted three packets before they got them. */
static struct portcam *with_bases(void)
{
    struct portcam *pc = test_open(test_folder());

    test_apply(pc, ONE);
    to_web(pc, 3);
    test_apply(pc, "{'format': 1}");
    test_apply(pc, ONE);
    assert_int_equal(packets(pc, "service", "web", "forward"), 0);
    assert_int_equal(pc->plan->numbers[PC_SERVICE].base[0].value[0], 3);
    return pc;
}

/* Another program resets the card and writes the rows again; the directory does not hear of it. */
static void reset_by_somebody(struct portcam *pc, uint32_t seed)
{
    char *dir = pc->state_dir;

    pc->state_dir = NULL;
    assert_int_equal(pc_hw_reset(pc->hw), 0);
    assert_int_equal(pc_hw_set_register(pc->hw, PORTCAM_REG_HASH_SEED, seed), 0);
    pc->seed = seed;
    assert_int_equal(pc_read_back(pc, NULL), 0);
    test_apply(pc, ONE);
    pc->state_dir = dir;
}

static void counters_that_started_again(void **state)
{
    struct portcam *pc = with_bases();
    (void)state;

    reset_by_somebody(pc, pc->seed);
    to_web(pc, 1);
    assert_int_equal(packets(pc, "service", "web", "forward"), 1);
    to_web(pc, 3);
    assert_int_equal(packets(pc, "service", "web", "forward"), 4);
    assert_int_equal(packets(pc, "backend", "a", "forward"), 4);
    assert_int_equal(packets(pc, "address", "198.51.100.1", "forward"), 4);
    forget(pc);
    take_over(pc);
    assert_int_equal(packets(pc, "service", "web", "forward"), 4);
    portcam_close(pc);
}

static void seed_of_another_life(void **state)
{
    struct portcam *pc = with_bases();
    (void)state;

    to_web(pc, 1);
    forget(pc);
    take_over(pc);
    assert_int_equal(packets(pc, "service", "web", "forward"), 1);
    reset_by_somebody(pc, pc->seed + 1);
    to_web(pc, 5);
    forget(pc);
    take_over(pc);
    assert_int_equal(packets(pc, "service", "web", "forward"), 5);
    portcam_close(pc);
}

static void reset_applies_again(void **state)
{
    struct portcam *pc = test_open(NULL);
    struct portcam_report *report = portcam_report_new();
    (void)state;

    test_apply(pc, ONE);
    test_packet(pc, "tcp", "10.0.0.1", 1000, "198.51.100.1", 80, 0);
    assert_int_equal(portcam_reset(pc, report), 0);
    assert_card_equals(pc);
    assert_int_equal(packets(pc, "service", "web", "forward"), 1); /* goes on */
    test_packet(pc, "tcp", "10.0.0.1", 1000, "198.51.100.1", 80, 0);
    assert_int_equal(packets(pc, "service", "web", "forward"), 2);
    portcam_report_free(report);
    portcam_close(pc);
}

static void edits(void **state)
{
    struct portcam *pc = test_open(NULL);
    struct portcam_report *report = portcam_report_new();
    json_t *diff = NULL;
    (void)state;

    test_apply(pc, ONE);
    json_t *fields = json_pack("{s:s, s:[s]}", "name", "web", "backends", "b");
    assert_int_equal(portcam_edit(pc, PORTCAM_EDIT_SET, "service", fields, true, report, &diff), 0);
    json_decref(diff);
    assert_string_equal(backend_of_web(pc), "a");
    assert_int_equal(portcam_edit(pc, PORTCAM_EDIT_SET, "service", fields, false, report, NULL), 0);
    assert_string_equal(backend_of_web(pc), "b");
    assert_int_equal(portcam_edit(pc, PORTCAM_EDIT_ADD, "service", fields, false, report, NULL),
                     -EEXIST);
    json_object_set_new(fields, "name", json_string("nobody"));
    assert_int_equal(portcam_edit(pc, PORTCAM_EDIT_SET, "service", fields, false, report, NULL),
                     -ENOENT);
    json_decref(fields);
    fields = json_pack("{s:s}", "name", "b");
    portcam_report_clear(report);
    assert_int_equal(portcam_edit(pc, PORTCAM_EDIT_DEL, "backend", fields, false, report, NULL),
                     -EBADMSG);
    assert_non_null(strstr(test_messages(report), "service \"web\": backend \"b\" is not defined"));
    json_decref(fields);
    fields = json_pack("{s:s, s:n}", "name", "a", "port");
    assert_int_equal(portcam_edit(pc, PORTCAM_EDIT_SET, "backend", fields, false, report, NULL), 0);
    assert_int_equal(pc->plan->config->backends[0].port, 0);
    json_decref(fields);
    assert_card_equals(pc);
    portcam_report_free(report);
    portcam_close(pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"apply, diff and apply again", apply_and_diff, NULL, NULL, NULL},
        {"section 9: a refused row is named and changes nothing", refused_row, NULL, NULL, NULL},
        {"a change set left open does not matter", left_open, NULL, NULL, NULL},
        {"restart finds what runs", restart, NULL, NULL, NULL},
        {"died after the commit: the new configuration runs", died_after_commit, NULL, NULL, NULL},
        {"died before the commit: the old configuration runs", died_before_commit, NULL, NULL,
         NULL},
        {"a card that lost its tables gets them again", card_lost_its_tables, NULL, NULL, NULL},
        {"rows that drifted are found and made right", drifted_rows, NULL, NULL, NULL},
        {"rows without a configuration become one", unknown_configuration, NULL, NULL, NULL},
        {"a damaged state file is refused", damaged_state, NULL, NULL, NULL},
        {"a state directory has one owner", two_owners, NULL, NULL, NULL},
        {"no state file, no change", unwritable_state, NULL, NULL, NULL},
        {"counters go on over changes", counters_go_on, NULL, NULL, NULL},
        {"a number given again starts at zero", reused_number_starts_at_zero, NULL, NULL, NULL},
        {"counters that started again are told from zero", counters_that_started_again, NULL, NULL,
         NULL},
        {"a card with another seed was reset: its counters too", seed_of_another_life, NULL, NULL,
         NULL},
        {"reset applies the configuration again", reset_applies_again, NULL, NULL, NULL},
        {"edits of one object", edits, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("change", tests, NULL, NULL);
}
