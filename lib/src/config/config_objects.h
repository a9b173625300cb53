/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of a configuration's file, one at a time: what is wrong becomes a message, references are only stored. */
#ifndef PC_CONFIG_OBJECTS_H
#define PC_CONFIG_OBJECTS_H

#include "fields.h"

void pc_read_function(struct pc_fields *f, struct pc_cfg_function *function);
void pc_read_domain(struct pc_fields *f, struct pc_cfg_domain *domain);
void pc_read_address(struct pc_fields *f, struct pc_cfg_address *address);
void pc_read_backend(struct pc_fields *f, struct pc_cfg_backend *backend);
void pc_read_service(struct pc_fields *f, struct pc_cfg_service *service); /* config_service.c */

/* The key "vlan"; PC_NONE when it is absent. */
void pc_read_vlan(struct pc_fields *f, int *vlan);
/* The message about a list with more entries than any card has room for. */
void pc_too_long(struct pc_fields *f, const char *key, size_t count, size_t most);

#endif
