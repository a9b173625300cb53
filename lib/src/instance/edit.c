// SPDX-License-Identifier: Apache-2.0
/*
 * Changes of one object: the running configuration is taken as JSON, edited, read again with every check, and applied
 * as a whole. So an edit can do nothing that a file could not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"

static const struct {
    const char *kind, *list, *key;
} Kinds[] = {
    {"function", "functions", "function"}, {"domain", "domains", "name"},
    {"address", "addresses", "address"},   {"service", "services", "name"},
    {"backend", "backends", "name"},
};

/* "198.51.100.1" and "198.51.100.1/32" are one address. */
static bool same_address(const json_t *a, const json_t *b)
{
    struct pc_ip ip_a, ip_b;
    unsigned length_a, length_b;

    if (!json_is_string(a) || !json_is_string(b))
        return false;
    return pc_prefix_parse(json_string_value(a), &ip_a, &length_a) == 0 &&
           pc_prefix_parse(json_string_value(b), &ip_b, &length_b) == 0 && length_a == length_b &&
           pc_ip_same_prefix(&ip_a, &ip_b, length_a);
}

static bool same_object(const char *key, json_t *a, json_t *b)
{
    if (strcmp(key, "address") != 0)
        return json_equal(json_object_get(a, key), json_object_get(b, key));
    json_t *vlan_a = json_object_get(a, "vlan"), *vlan_b = json_object_get(b, "vlan");
    return same_address(json_object_get(a, key), json_object_get(b, key)) &&
           (vlan_a == vlan_b || json_equal(vlan_a, vlan_b));
}

/* Copies the fields that are not null into the object, and removes those that are. */
static int merge(json_t *object, json_t *fields)
{
    const char *key;
    json_t *value;

    json_object_foreach (fields, key, value) {
        if (json_is_null(value))
            json_object_del(object, key);
        else if (json_object_set(object, key, value))
            return -ENOMEM;
    }
    return 0;
}

/* "device", "limits" and "slow_path", of which there is one. */
static int edit_only(json_t *root, const char *key, enum portcam_edit edit, json_t *fields,
                     struct portcam_report *report)
{
    json_t *device = json_object_get(root, key);

    if (edit == PORTCAM_EDIT_DEL) {
        if (!device) {
            pc_report_add(report, "not_found", "the %s has no settings", key);
            return -ENOENT;
        }
        json_object_del(root, key);
        return 0;
    }
    if (!device) {
        device = json_object();
        if (json_object_set_new(root, key, device))
            return -ENOMEM;
    }
    int rc = merge(device, fields);
    if (rc == 0 && json_object_size(device) == 0)
        json_object_del(root, key);
    return rc;
}

static int edit_list(json_t *list, enum portcam_edit edit, size_t kind, json_t *fields,
                     struct portcam_report *report)
{
    const char *key = Kinds[kind].key;
    json_t *name = json_object_get(fields, key);
    json_t *object = NULL, *item;
    size_t index, at = 0;

    if (!json_is_string(name) && !json_is_integer(name)) {
        pc_report_add(report, "usage", "which %s? give its \"%s\"", Kinds[kind].kind, key);
        return -EINVAL;
    }
    char *text = json_dumps(name, JSON_ENCODE_ANY);
    if (!text)
        return -ENOMEM;
    json_array_foreach (list, index, item) {
        if (same_object(key, item, fields)) {
            object = item;
            at = index;
        }
    }
    int rc = 0;
    if (edit == PORTCAM_EDIT_ADD && object) {
        pc_report_add(report, "exists", "%s %s exists already; use set to change it",
                      Kinds[kind].kind, text);
        rc = -EEXIST;
    } else if (edit != PORTCAM_EDIT_ADD && !object) {
        pc_report_add(report, "not_found", "there is no %s %s; `portcam %s show` lists them",
                      Kinds[kind].kind, text, Kinds[kind].kind);
        rc = -ENOENT;
    } else if (edit == PORTCAM_EDIT_DEL) {
        rc = json_array_remove(list, at) ? -ENOMEM : 0;
    } else if (edit == PORTCAM_EDIT_SET) {
        rc = merge(object, fields);
    } else {
        object = json_object();
        rc = json_array_append_new(list, object) ? -ENOMEM : merge(object, fields);
    }
    free(text);
    return rc;
}

static int edit_root(json_t *root, enum portcam_edit edit, const char *object, json_t *fields,
                     struct portcam_report *report)
{
    if (!json_is_object(fields)) {
        pc_report_add(report, "usage", "the fields of an edit are one JSON object");
        return -EINVAL;
    }
    if (strcmp(object, "device") == 0 || strcmp(object, "limits") == 0 ||
        strcmp(object, "slow_path") == 0)
        return edit_only(root, object, edit, fields, report);
    for (size_t i = 0; i < sizeof(Kinds) / sizeof(Kinds[0]); i++) {
        if (strcmp(object, Kinds[i].kind) == 0)
            return edit_list(json_object_get(root, Kinds[i].list), edit, i, fields, report);
    }
    pc_report_add(report, "usage", "there are no objects \"%.64s\"", object);
    return -EINVAL;
}

/* Warnings that the running configuration gave too were told when it was applied. */
static void forget_known(struct portcam *pc, json_t *before, struct portcam_report *found)
{
    struct portcam_report *known = portcam_report_new();
    struct portcam_config *config = NULL;
    char *text = json_dumps(before, JSON_COMPACT);

    if (known && text && portcam_config_parse(text, strlen(text), NULL, known, &config) == 0) {
        pc_config_caps(config, pc_hw_caps(pc->hw), known);
        pc_report_known(found, known);
    }
    portcam_config_free(config);
    portcam_report_free(known);
    free(text);
}

/* Reads the edited text. What is wrong after a removal is what still names the object. */
static int read_edited(const char *text, enum portcam_edit edit, const char *object, json_t *fields,
                       struct portcam_report *report, struct portcam_config **ret)
{
    struct portcam_report *found = portcam_report_new();

    if (!found)
        return -ENOMEM;
    int rc = portcam_config_parse(text, strlen(text), NULL, found, ret);
    if (rc == -EBADMSG && edit == PORTCAM_EDIT_DEL) {
        json_t *name = NULL;
        for (size_t i = 0; i < sizeof(Kinds) / sizeof(Kinds[0]); i++) {
            if (strcmp(object, Kinds[i].kind) == 0)
                name = json_object_get(fields, Kinds[i].key);
        }
        pc_report_add(report, "refused",
                      "%s %s is in use; nothing was removed; first change or remove what names it:",
                      object, json_is_string(name) ? json_string_value(name) : "");
    }
    pc_report_append(report, found);
    portcam_report_free(found);
    return rc;
}

int portcam_edit(struct portcam *pc, enum portcam_edit edit, const char *object,
                 struct json_t *fields, bool dry_run, struct portcam_report *report,
                 struct json_t **ret)
{
    struct portcam_config *config = NULL;
    json_t *running = NULL;

    int rc = portcam_config_running(pc, &running);
    json_t *root = rc ? NULL : json_deep_copy(running);
    if (!root) {
        json_decref(running);
        return -ENOMEM;
    }
    rc = edit_root(root, edit, object, fields, report);
    char *text = rc ? NULL : json_dumps(root, JSON_COMPACT);
    if (rc == 0)
        rc = text ? read_edited(text, edit, object, fields, report, &config) : -ENOMEM;
    free(text);
    json_decref(root);
    if (rc == 0)
        rc = dry_run ? portcam_config_diff(pc, config, report, ret)
                     : portcam_config_apply(pc, config, report, ret);
    if (rc == 0 && report && portcam_report_count(report, NULL))
        forget_known(pc, running, report);
    portcam_config_free(config);
    json_decref(running);
    return rc;
}
