// SPDX-License-Identifier: Apache-2.0
/*
 * Capture files as a packet port: frames of one file arrive, frames sent are written to another.
 *
 * The input is read in file order as fast as it is asked for; its times are not replayed. Frames that the
 * capture cut short are refused, because what they were is not known. Frames written carry the wall clock
 * and are flushed one by one, so that the file is whole whenever the process ends.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "ports/port.h"

struct files {
    pcap_t *in;
    pcap_t *format; /* what the output is written with */
    pcap_dumper_t *out;
    char *in_name;
};

static int open_in(struct pc_port *p, struct files *f, const char *name)
{
    char why[PCAP_ERRBUF_SIZE];
    struct stat st;

    if (stat(name, &st) || !S_ISREG(st.st_mode)) {
        snprintf(p->message, sizeof(p->message),
                 "IN \"%.100s\" is not a file; name a capture file, or leave IN empty", name);
        return -ENOENT;
    }
    f->in = pcap_open_offline(name, why);
    if (!f->in) {
        snprintf(p->message, sizeof(p->message),
                 "IN \"%.60s\" cannot be read as pcap or pcapng: %.100s", name, why);
        return -EINVAL;
    }
    if (pcap_datalink(f->in) != DLT_EN10MB) {
        const char *type = pcap_datalink_val_to_name(pcap_datalink(f->in));

        snprintf(p->message, sizeof(p->message),
                 "IN \"%.100s\" has link type %s; capture Ethernet (EN10MB) instead", name,
                 type ? type : "unknown");
        return -EINVAL;
    }
    return 0;
}

static int open_out(struct pc_port *p, struct files *f, const char *name)
{
    f->format = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, PC_PORT_MAX_FRAME,
                                                     PCAP_TSTAMP_PRECISION_MICRO);
    if (!f->format)
        return -ENOMEM;
    f->out = strcmp(name, "-") ? pcap_dump_open(f->format, name) : NULL;
    if (f->out)
        return 0;
    snprintf(p->message, sizeof(p->message),
             "OUT \"%.60s\" cannot be written: %.100s; name a new file, or leave OUT empty", name,
             strcmp(name, "-") ? pcap_geterr(f->format) : "it must be a file");
    return -EACCES;
}

static int open_files(struct pc_port *p, const char *arg)
{
    const char *comma = strchr(arg, ','), *out = comma ? comma + 1 : "";
    struct files *f;
    int rc = 0;

    if (strchr(out, ',')) {
        snprintf(p->message, sizeof(p->message),
                 "more than one comma; use pcap:IN,OUT (names without comma, either may be empty)");
        return -EINVAL;
    }
    if (comma == arg && !out[0]) {
        snprintf(p->message, sizeof(p->message),
                 "neither IN nor OUT; use null for a port without both");
        return -EINVAL;
    }
    f = p->priv = calloc(1, sizeof(*f));
    if (!f || !(f->in_name = strndup(arg, strcspn(arg, ","))))
        return -ENOMEM;
    if (!strcmp(f->in_name, out)) {
        snprintf(p->message, sizeof(p->message), "IN and OUT are the same file; name another OUT");
        return -EINVAL;
    }
    if (f->in_name[0])
        rc = open_in(p, f, f->in_name);
    if (!rc && out[0])
        rc = open_out(p, f, out);
    return rc;
}

static ssize_t next_frame(struct pc_port *p, void *buf, size_t cap)
{
    struct files *f = p->priv;

    while (f->in) {
        struct pcap_pkthdr *h;
        const u_char *data;
        int rc = pcap_next_ex(f->in, &h, &data);

        if (rc == PCAP_ERROR_BREAK)
            break;
        if (rc != 1) {
            snprintf(p->message, sizeof(p->message), "IN \"%.60s\" is damaged: %.100s", f->in_name,
                     pcap_geterr(f->in));
            pcap_close(f->in);
            f->in = NULL;
            return -EIO;
        }
        if (h->caplen && h->caplen == h->len && h->len <= cap) {
            memcpy(buf, data, h->len);
            return (ssize_t)h->len;
        }
        p->stats.rx_refused++;
    }
    return -ENODATA;
}

static int write_frame(struct pc_port *p, const void *buf, size_t len)
{
    struct files *f = p->priv;
    struct pcap_pkthdr h = {.caplen = (bpf_u_int32)len, .len = (bpf_u_int32)len};

    if (!f->out) {
        p->stats.tx_lost++;
        return 0;
    }
    gettimeofday(&h.ts, NULL);
    pcap_dump((u_char *)f->out, &h, buf);
    if (!pcap_dump_flush(f->out) && !ferror(pcap_dump_file(f->out)))
        return 0;
    snprintf(p->message, sizeof(p->message),
             "OUT cannot be written any more: %s; is the disk full?", strerror(errno));
    return -EIO;
}

static void close_files(struct pc_port *p)
{
    struct files *f = p->priv;

    if (!f)
        return;
    if (f->in)
        pcap_close(f->in);
    if (f->out)
        pcap_dump_close(f->out);
    if (f->format)
        pcap_close(f->format);
    free(f->in_name);
    free(f);
}

const struct pc_port_ops pc_port_pcap = {"pcap", open_files, next_frame, write_frame, close_files};
