// SPDX-License-Identifier: Apache-2.0
/* See fixture.h. */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card.h"
#include "model.h"

struct portcam_caps test_caps(void)
{
    return (struct portcam_caps){
        .flags = PORTCAM_CAPS_IPV6 | PORTCAM_CAPS_STATIC | PORTCAM_CAPS_DELIVER,
        .functions = PORTCAM_BUILD_FUNCTIONS,
        .domains = PORTCAM_BUILD_DOMAINS,
        .addresses = PORTCAM_BUILD_ADDRESSES,
        .services = PORTCAM_BUILD_SERVICES,
        .backends = PORTCAM_BUILD_BACKENDS,
        .endpoint_ways = {4, 4, 4},
        .endpoint_rows = {PORTCAM_BUILD_ENDPOINT_ROWS, PORTCAM_BUILD_ENDPOINT_ANY_PORT_ROWS,
                          PORTCAM_BUILD_ENDPOINT_ANY_ROWS},
        .window = 128,
        .max_frame = 9600,
    };
}

struct portcam_caps test_caps_stateful(void)
{
    struct portcam_caps caps = test_caps();
    caps.flags |= PORTCAM_CAPS_STATEFUL | PORTCAM_CAPS_REJECT;
    caps.connections = PORTCAM_BUILD_CONNECTION_ROWS + PORTCAM_BUILD_CONNECTION_STASH;
    caps.connections_v6 = PORTCAM_BUILD_CONNECTION_ROWS_V6 + PORTCAM_BUILD_CONNECTION_STASH;
    caps.schedule = PORTCAM_BUILD_SCHEDULE_ROWS;
    return caps;
}

static char *unquote(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *c = copy; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    return copy;
}

const char *test_messages(const struct portcam_report *report)
{
    static char text[16384];
    struct portcam_message message;

    text[0] = 0;
    for (size_t i = 0; portcam_report_get(report, i, &message) == 0; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof(text) - n, "%s [%s, line %d]\n", message.text, message.code,
                 message.line);
    }
    return text;
}

struct portcam_config *test_config(const char *text)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = NULL;
    char *json = unquote(text);

    if (portcam_config_parse(json, strlen(json), "test.json", report, &config)) {
        print_error("%s", test_messages(report));
        fail();
    }
    portcam_report_free(report);
    free(json);
    return config;
}

struct pc_plan *test_plan(const char *text, const struct portcam_caps *caps,
                          const struct pc_plan *before)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = test_config(text);
    json_t *names = before ? pc_plan_names(before) : NULL;
    struct pc_plan *plan = NULL;

    if (pc_plan_make(config, caps, 0x1234, names, before ? before->image : NULL, report, &plan)) {
        print_error("%s", test_messages(report));
        fail();
    }
    portcam_config_free(config);
    json_decref(names);
    portcam_report_free(report);
    return plan;
}

struct portcam *test_open(const char *dir)
{
    struct portcam_opts opts = {.sz = sizeof(opts), .state_dir = dir, .hash_seed = 0x5eed};
    struct portcam_report *report = portcam_report_new();
    struct portcam *pc = NULL;

    if (portcam_open(&opts, report, &pc)) {
        print_error("%s", test_messages(report));
        fail();
    }
    portcam_report_free(report);
    return pc;
}

void test_apply(struct portcam *pc, const char *text)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = test_config(text);

    if (portcam_config_apply(pc, config, report, NULL)) {
        print_error("%s", test_messages(report));
        fail();
    }
    portcam_config_free(config);
    portcam_report_free(report);
}

enum { FOLDERS = 32 };
static char Folders[FOLDERS][64];
static unsigned FolderCount;

/* A state directory holds plain files only. */
static void remove_folders(void)
{
    for (unsigned i = 0; i < FolderCount; i++) {
        char name[512];
        DIR *folder = opendir(Folders[i]);
        for (struct dirent *e = folder ? readdir(folder) : NULL; e; e = readdir(folder)) {
            snprintf(name, sizeof(name), "%s/%s", Folders[i], e->d_name);
            (void)unlink(name);
        }
        if (folder)
            closedir(folder);
        (void)rmdir(Folders[i]);
    }
}

const char *test_folder(void)
{
    assert_true(FolderCount < FOLDERS);
    if (FolderCount == 0)
        assert_int_equal(atexit(remove_folders), 0);
    char *name = Folders[FolderCount++];
    snprintf(name, sizeof(Folders[0]), "/tmp/portcam-test-XXXXXX");
    assert_non_null(mkdtemp(name));
    return name;
}

void test_packet(struct portcam *pc, const char *protocol, const char *source, unsigned sport,
                 const char *destination, unsigned dport, unsigned from)
{
    uint8_t frame[128];
    size_t len = 0;
    struct pc_decision decision;
    struct pc_answer answer;
    json_t *spec = json_pack("{s:s, s:s, s:s}", "protocol", protocol, "source", source,
                             "destination", destination);

    if (strncmp(protocol, "icmp", 4) != 0) {
        json_object_set_new(spec, "source_port", json_integer(sport));
        json_object_set_new(spec, "destination_port", json_integer(dport));
    }
    assert_int_equal(portcam_build_frame(pc, spec, NULL, frame, sizeof(frame), &len), 0);
    json_decref(spec);
    struct pc_card *card = pc_dev_model_card(pc_hw_device(pc->hw));
    pc_device_packet(pc_card_device(card), frame, len, from, pc_card_time(card), NULL, &decision,
                     &answer);
}
