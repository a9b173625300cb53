// SPDX-License-Identifier: Apache-2.0
/* The state directory; see state.h. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char *const Files[] = {"state.json", "next.json"};

static int directory(const char *dir, struct portcam_report *report)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    int rc = -errno;
    pc_report_hint(report, rc == -EACCES ? "permission" : "state", "",
                   "state directory %s: %s; create it and let only its owner write", dir,
                   strerror(-rc));
    return rc;
}

int pc_state_lock(const char *dir, struct portcam_report *report, int *ret_fd)
{
    int fd = directory(dir, report);
    if (fd < 0)
        return fd;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *ret_fd = fd;
        return 0;
    }
    int rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
    pc_report_add(report, "state", "state directory %s: %s", dir,
                  rc == -EBUSY ? "another process uses it; stop that one, or give another directory"
                               : strerror(-rc));
    close(fd);
    return rc;
}

static json_t *to_json(const struct pc_plan *plan)
{
    json_t *config = NULL, *names = pc_plan_names(plan);
    if (!names || portcam_config_json(plan->config, &config)) {
        json_decref(names);
        return NULL;
    }
    return json_pack("{s:i, s:I, s:o, s:o}", "format", PORTCAM_FORMAT, "seed",
                     (json_int_t)plan->seed, "numbers", names, "config", config);
}

static int write_all(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_file(int dir, const char *name, const char *text)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int rc = write_all(fd, text);
    if (rc == 0 && fsync(fd))
        rc = -errno;
    if (close(fd) && rc == 0)
        rc = -errno;
    return rc;
}

int pc_state_write_next(const char *dir, const struct pc_plan *plan, struct portcam_report *report)
{
    if (!dir)
        return 0;
    json_t *root = to_json(plan);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (!text)
        return -ENOMEM;
    int fd = directory(dir, report);
    int rc = fd < 0 ? fd : write_file(fd, Files[PC_STATE_NEXT], text);
    free(text);
    if (fd >= 0) {
        if (rc)
            pc_report_add(report, "state",
                          "state directory %s: %s cannot be written: %s; nothing was "
                          "changed",
                          dir, Files[PC_STATE_NEXT], strerror(-rc));
        if (rc == 0 && fsync(fd))
            rc = -errno;
        close(fd);
    }
    return rc;
}

int pc_state_adopt_next(const char *dir, struct portcam_report *report)
{
    int rc = 0;

    if (!dir)
        return 0;
    int fd = directory(dir, report);
    if (fd < 0)
        return fd;
    if (renameat(fd, Files[PC_STATE_NEXT], fd, Files[PC_STATE_CURRENT]) || fsync(fd)) {
        rc = -errno;
        pc_report_add(report, "state",
                      "state directory %s: %s cannot be renamed to %s: %s; the change runs and is "
                      "found again at the next start",
                      dir, Files[PC_STATE_NEXT], Files[PC_STATE_CURRENT], strerror(-rc));
    }
    close(fd);
    return rc;
}

void pc_state_drop_next(const char *dir)
{
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    (void)unlinkat(fd, Files[PC_STATE_NEXT], 0);
    close(fd);
}

/* The parts of a state file; takes no references. */
static int parse(json_t *root, struct pc_state *ret)
{
    json_t *names = json_object_get(root, "numbers");
    json_t *format = json_object_get(root, "format");
    json_t *object = json_object_get(root, "config");

    if (!json_is_object(names) || !json_is_object(object) ||
        json_integer_value(format) != PORTCAM_FORMAT)
        return -EBADMSG;
    char *text = json_dumps(object, JSON_COMPACT);
    if (!text)
        return -ENOMEM;
    int rc = portcam_config_parse(text, strlen(text), NULL, NULL, &ret->config);
    free(text);
    if (rc == 0) {
        ret->names = json_incref(names);
        ret->seed = (uint32_t)json_integer_value(json_object_get(root, "seed"));
    }
    return rc;
}

int pc_state_read(const char *dir, enum pc_state_file file, struct portcam_report *report,
                  struct pc_state *ret)
{
    json_error_t error;

    if (!dir)
        return -ENOENT;
    int dir_fd = directory(dir, report);
    if (dir_fd < 0)
        return dir_fd;
    int fd = openat(dir_fd, Files[file], O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : 0;
    close(dir_fd);
    if (rc == -ENOENT)
        return rc;
    if (rc == 0) {
        FILE *stream = fdopen(fd, "r");
        json_t *root = stream ? json_loadf(stream, JSON_REJECT_DUPLICATES, &error) : NULL;
        rc = root ? parse(root, ret) : -EBADMSG;
        json_decref(root);
        if (stream)
            fclose(stream);
        else
            close(fd);
    }
    if (rc)
        pc_report_hint(
            report, rc == -EACCES ? "permission" : "state",
            "the card goes on with the tables it has; move the file away to start without "
            "it",
            "state file %s/%s cannot be used: %s", dir, Files[file],
            rc == -EBADMSG ? "it is damaged" : strerror(-rc));
    return rc;
}

void pc_state_free(struct pc_state *state)
{
    portcam_config_free(state->config);
    json_decref(state->names);
    state->config = NULL;
    state->names = NULL;
}
