// SPDX-License-Identifier: Apache-2.0
/*
 * What is different between two configurations, in the words of the configuration file: objects added and removed, and
 * for changed ones each key with its old and new value.
 */
#include <stdio.h>
#include <string.h>

#include "card/change.h"

static const struct {
    const char *list, *kind;
} Lists[] = {{"functions", "function"},
             {"domains", "domain"},
             {"addresses", "address"},
             {"backends", "backend"},
             {"services", "service"}};

/* How people call an object of a list. */
static json_t *name_of(const json_t *object)
{
    const json_t *name = json_object_get(object, "name");
    const json_t *function = json_object_get(object, "function");
    const json_t *address = json_object_get(object, "address");
    const json_t *vlan = json_object_get(object, "vlan");

    if (name)
        return json_string(json_string_value(name));
    if (address && vlan)
        return json_sprintf("%s vlan %d", json_string_value(address),
                            (int)json_integer_value(vlan));
    if (address)
        return json_string(json_string_value(address));
    return json_sprintf("%d", (int)json_integer_value(function));
}

/* {"key": [old, new]} of all keys that differ; null where a key is absent. */
static json_t *fields_of(json_t *old, json_t *new)
{
    json_t *fields = json_object();
    json_t *value;
    const char *key;

    json_object_foreach (old, key, value) {
        json_t *other = json_object_get(new, key);
        if (!other || !json_equal(value, other))
            json_object_set_new(
                fields, key, json_pack("[O, o]", value, other ? json_incref(other) : json_null()));
    }
    json_object_foreach (new, key, value) {
        if (!json_object_get(old, key))
            json_object_set_new(fields, key, json_pack("[n, O]", value));
    }
    return fields;
}

static int add(json_t *list, const char *op, const char *kind, const char *name, json_t *fields)
{
    return json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "op", op, "object", kind,
                                                 "name", name, "fields", fields));
}

/* Objects of a list by name. */
static json_t *index_of(const json_t *list)
{
    json_t *map = json_object();
    json_t *object;
    size_t i;

    json_array_foreach (list, i, object) {
        json_t *name = name_of(object);
        if (name)
            json_object_set(map, json_string_value(name), object);
        json_decref(name);
    }
    return map;
}

static int compare(json_t *result, const char *kind, json_t *old, json_t *new)
{
    json_t *before = index_of(old), *after = index_of(new);
    json_t *object;
    const char *name;
    int rc = before && after ? 0 : -1;

    json_object_foreach (before, name, object) {
        if (rc == 0 && !json_object_get(after, name))
            rc = add(result, "remove", kind, name, json_incref(object));
    }
    json_object_foreach (after, name, object) {
        json_t *other = json_object_get(before, name);
        if (rc == 0 && !other)
            rc = add(result, "add", kind, name, json_incref(object));
        else if (rc == 0 && !json_equal(object, other))
            rc = add(result, "change", kind, name, fields_of(other, object));
    }
    json_decref(before);
    json_decref(after);
    return rc;
}

/* An object of which there is one, or none. */
static int compare_only(json_t *result, const char *kind, json_t *before, json_t *after)
{
    if (before && !after)
        return add(result, "remove", kind, kind, json_incref(before));
    if (!before && after)
        return add(result, "add", kind, kind, json_incref(after));
    if (before && !json_equal(before, after))
        return add(result, "change", kind, kind, fields_of(before, after));
    return 0;
}

json_t *pc_change_objects(const struct portcam_config *now, const struct portcam_config *wanted)
{
    json_t *old = NULL, *new = NULL, *result = json_array();
    int rc = !result || portcam_config_json(now, &old) || portcam_config_json(wanted, &new);

    if (rc == 0) {
        rc = compare_only(result, "device", json_object_get(old, "device"),
                          json_object_get(new, "device"));
        if (rc == 0)
            rc = compare_only(result, "limits", json_object_get(old, "limits"),
                              json_object_get(new, "limits"));
        if (rc == 0)
            rc = compare_only(result, "slow_path", json_object_get(old, "slow_path"),
                              json_object_get(new, "slow_path"));
    }
    for (size_t i = 0; rc == 0 && i < sizeof(Lists) / sizeof(Lists[0]); i++)
        rc = compare(result, Lists[i].kind, json_object_get(old, Lists[i].list),
                     json_object_get(new, Lists[i].list));
    json_decref(old);
    json_decref(new);
    if (rc) {
        json_decref(result);
        return NULL;
    }
    return result;
}
