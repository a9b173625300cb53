// SPDX-License-Identifier: Apache-2.0
/*
 * A small vfio-user server in a thread, with a hook before each answer so that tests can make it
 * lie.
 */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio_user_wire.h"

struct fs;

/* What a hook did with a command. */
enum fs_verdict {
    FS_PASS,  /* nothing: the server answers as usual */
    FS_DONE,  /* answered, or swallowed */
    FS_CLOSE, /* close the connection */
};

typedef enum fs_verdict (*fs_hook)(struct fs *s, const struct pc_vfu_header *h,
                                   unsigned char *payload, size_t len);

struct fs {
    /* set before fs_start() */
    fs_hook hook;
    void *hook_ctx;
    const char *json; /* of the version reply; NULL: a good one; "": none */
    uint16_t major;
    uint16_t minor;
    bool split;      /* replies go out byte by byte */
    bool no_err_req; /* no error and request interrupts */
    bool region_fds; /* region replies carry a descriptor that nobody asked for */
    uint32_t bar0_size;

    char dir[64];
    char name[128]; /* for portcam_dev_open() */
    int listener;
    int conn;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint commands[32]; /* seen, by number */
    atomic_uint clients;
    unsigned char config[256];
    uint32_t regs[0x4000];
    int irq_fds[PC_VFU_NUM_IRQS][8];
    struct {
        uint64_t iova;
        uint64_t size;
        unsigned char *at; /* NULL without a descriptor */
        int seals;         /* of the file */
    } maps[8];
};

/*
 * Zero the structure, set what is to be different, start; the hook may also be changed while idle.
 */
void fs_start(struct fs *s);
void fs_stop(struct fs *s);

/* For hooks. */
bool fs_send(struct fs *s, const void *buf, size_t len); /* false: the client is gone */
void fs_reply(struct fs *s, const struct pc_vfu_header *to, const void *payload, size_t len);
void fs_reply_error(struct fs *s, const struct pc_vfu_header *to, uint32_t error);
enum fs_verdict fs_answer(struct fs *s, const struct pc_vfu_header *h, unsigned char *payload,
                          size_t len);
/* One DMA message to the client and its answer. Return: 0, or the errno the client told. */
int fs_dma(struct fs *s, bool write, uint64_t iova, void *data, uint64_t count);

/* The register of the server, from the test's thread while it is idle. */
void fs_fire(struct fs *s, unsigned index, unsigned vector);

#endif /* FAKE_SERVER_H */
