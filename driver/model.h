// SPDX-License-Identifier: Apache-2.0
/*
 * Access of unit tests to the card model behind a "model:" device.
 */
#ifndef PC_MODEL_H
#define PC_MODEL_H

#include <portcam/dev.h>

struct pc_card;

/*
 * The card of a "model:" device, NULL for any other. Owned by the device; hold the lock while using
 * it.
 */
PORTCAM_API struct pc_card *pc_dev_model_card(struct portcam_dev *dev);

/* The card's time is `ms`, and stands still until this is called again. */
PORTCAM_API void pc_dev_model_set_time(struct portcam_dev *dev, uint32_t ms);

/* Keep register accesses of other threads away from the card; not needed in a single thread. */
PORTCAM_API void pc_dev_model_lock(struct portcam_dev *dev);
PORTCAM_API void pc_dev_model_unlock(struct portcam_dev *dev);

/*
 * Frames that the host injects come here, from inside of register writes and with the lock held;
 * NULL: they go nowhere.
 */
typedef void (*pc_dev_model_frame)(void *ctx, unsigned function, const uint8_t *frame, size_t len);
PORTCAM_API void pc_dev_model_set_frame(struct portcam_dev *dev, pc_dev_model_frame frame,
                                        void *ctx);

#endif /* PC_MODEL_H */
