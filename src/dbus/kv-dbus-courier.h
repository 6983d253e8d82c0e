/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-handle.h"
#include "dbus/kv-dbus-port.h"

G_BEGIN_DECLS

/**
 * KvDbusCourier:
 *
 * Does what has to do with a descriptor of a caller's, in a thread of its own, so that nobody else waits for it: one piece of work
 * after the other. Who has it may let it go at any time, and does not wait for that: where the thread is held up, by a disk
 * that does not answer, it goes when that is over, with all that it holds.
 *
 * The functions below are for the main context in which it was made.
 */
typedef struct _KvDbusCourier KvDbusCourier;

/**
 * KvDbusCourierWork:
 * @port: where the descriptor leads
 * @data: what the courier was given
 * @error: as the functions of #KvDbusPort have it
 *
 * Work, in the courier's thread. Nobody else looks at @data meanwhile.
 */
typedef gboolean (*KvDbusCourierWork) (KvDbusPort *port, gpointer data, GError **error);

/**
 * KvDbusCourierFunc:
 * @error: (nullable): what has gone wrong
 *
 * The work is done. The function may free the courier.
 */
typedef void (*KvDbusCourierFunc) (gpointer user_data, const GError *error);

/**
 * kv_dbus_courier_new:
 * @handle: (transfer full): what it goes to; is closed in its thread
 * @patience: microseconds, as kv_dbus_port_open() has it
 * @data: (transfer full): what it works with
 * @free_data: frees @data, in the courier's thread or in this one
 * @error: set to %KV_ERROR_UNAVAILABLE when there are no threads left
 *
 * Returns: (transfer full): a courier, at rest
 */
KvDbusCourier *kv_dbus_courier_new (KvDbusHandle *handle,
                                    KvDbusPortDirection direction,
                                    gint64 patience,
                                    gpointer data,
                                    GDestroyNotify free_data,
                                    GError **error);

/**
 * kv_dbus_courier_send:
 * @work: what to do; an error when the descriptor turns out not to do is told as one of the work
 * @func: called when it is done
 *
 * Has work done by a courier that is at rest.
 */
void kv_dbus_courier_send (KvDbusCourier *courier,
                           KvDbusCourierWork work,
                           KvDbusCourierFunc func,
                           gpointer user_data);

/**
 * kv_dbus_courier_close:
 * @func: called when it is done, with an error when what was written may not have been kept
 *
 * Has a courier that is at rest close the descriptor. There is no more work for it then.
 */
void kv_dbus_courier_close (KvDbusCourier *courier, KvDbusCourierFunc func, gpointer user_data);

/**
 * kv_dbus_courier_free:
 *
 * Ends whatever it does, and waits for nothing. No function is called any more.
 */
void kv_dbus_courier_free (KvDbusCourier *courier);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDbusCourier, kv_dbus_courier_free)

G_END_DECLS
