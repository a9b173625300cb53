// SPDX-License-Identifier: Apache-2.0
/*
 * Applies a configuration to a card, drains one domain, and prints what the card counted.
 *
 *   drain DEVICE FILE DOMAIN     for instance: drain model: docs/examples/shop.json shop
 */
#include <errno.h>
#include <jansson.h>
#include <portcam/portcam.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every message of a failed call, and the exit status of the program. */
static int failed(const struct portcam_report *report, int rc)
{
    struct portcam_message m;

    for (size_t i = 0; portcam_report_get(report, i, &m) == 0; i++)
        fprintf(stderr, "%s: %s\n", m.code, m.text);
    if (portcam_report_count(report, NULL) == 0)
        fprintf(stderr, "%s\n", strerror(-rc));
    return EXIT_FAILURE;
}

static void log_line(void *ctx, enum portcam_severity severity, const char *line)
{
    (void)ctx;
    if (severity <= PORTCAM_SEVERITY_WARNING)
        fprintf(stderr, "%s\n", line);
}

/* The whole file, to be freed; NULL with errno. */
static char *read_file(const char *name, size_t *len)
{
    char *text = NULL;
    FILE *f = fopen(name, "r");
    if (!f)
        return NULL;
    size_t room = 1 << 20;
    text = malloc(room);
    *len = text ? fread(text, 1, room, f) : 0;
    fclose(f);
    return text;
}

static int apply_file(struct portcam *pc, const char *name, struct portcam_report *report)
{
    struct portcam_config *config = NULL;
    json_t *diff = NULL;
    size_t len = 0;
    char *text = read_file(name, &len);
    if (!text)
        return -errno;

    int rc = portcam_config_parse(text, len, name, report, &config); /* what needs no card */
    if (rc == 0)
        rc = portcam_config_apply(pc, config, report, &diff); /* all at once, or nothing */
    if (rc == 0)
        printf("%zu objects and %zu rows changed\n",
               json_array_size(json_object_get(diff, "objects")),
               json_array_size(json_object_get(diff, "rows")));
    json_decref(diff);
    portcam_config_free(config);
    free(text);
    return rc;
}

static int drain(struct portcam *pc, const char *domain, struct portcam_report *report)
{
    json_t *fields = json_pack("{s:s, s:s}", "name", domain, "state", "draining");
    int rc = fields ? portcam_edit(pc, PORTCAM_EDIT_SET, "domain", fields, false, report, NULL)
                    : -ENOMEM;
    json_decref(fields);
    return rc;
}

static int print_stats(struct portcam *pc, struct portcam_report *report)
{
    json_t *stats = NULL;
    int rc = portcam_stats(pc, false, report, &stats); /* only counters that are not 0 */
    if (rc)
        return rc;
    json_dumpf(json_object_get(stats, "reasons"), stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(stats);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: drain DEVICE FILE DOMAIN\n");
        return 2;
    }
    const struct portcam_opts opts = {.sz = sizeof(opts), .device = argv[1], .log = log_line};
    struct portcam_report *report = portcam_report_new();
    struct portcam *pc = NULL;

    int rc = report ? portcam_open(&opts, report, &pc) : -ENOMEM;
    if (rc == 0)
        rc = apply_file(pc, argv[2], report);
    if (rc == 0)
        rc = drain(pc, argv[3], report);
    if (rc == 0)
        rc = print_stats(pc, report);
    if (rc == 0)
        printf("%s drains on a card with room for %u services\n", argv[3],
               portcam_get_caps(pc)->services);
    int status = rc ? failed(report, rc) : EXIT_SUCCESS;
    portcam_close(pc); /* the tables stay, packets go on */
    portcam_report_free(report);
    return status;
}
