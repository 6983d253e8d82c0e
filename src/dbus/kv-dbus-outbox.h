/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-cargo.h"

G_BEGIN_DECLS

/**
 * KV_DBUS_FIRST_SERIAL:
 *
 * The messages of ours have serial numbers from here on, and those of GDBus, which shares the connection and counts from 1, do not
 * get here. For a bus answers more than calls: whoever sends something to a name that has left gets an error, which GDBus
 * would take for the answer to a call of its own.
 */
#define KV_DBUS_FIRST_SERIAL 0x80000000u

/**
 * KV_DBUS_MAX_WAITING_BYTES:
 *
 * When more than this waits to go out on one side, whoever has a choice adds nothing to it.
 */
#define KV_DBUS_MAX_WAITING_BYTES (4u * 1024 * 1024)

/**
 * KvDbusOutbox:
 *
 * What is to go out to the bus, put there by any thread and taken by the one that has the socket. It outlives the connection for
 * as long as somebody holds it: what is put in then goes nowhere. Any thread may use it; its lock is held for
 * the few instructions of one function, or from begin to end, and no other lock is taken meanwhile.
 */
typedef struct _KvDbusOutbox KvDbusOutbox;

/**
 * kv_dbus_outbox_new:
 * @error: set to an error of GIO's when there are no file descriptors left
 *
 * Returns: (transfer full): an outbox
 */
KvDbusOutbox *kv_dbus_outbox_new (GError **error);

/**
 * kv_dbus_outbox_ref:
 *
 * Returns: (transfer full): @outbox
 */
KvDbusOutbox *kv_dbus_outbox_ref (KvDbusOutbox *outbox);

/**
 * kv_dbus_outbox_unref:
 * @outbox: (transfer full): an outbox
 */
void kv_dbus_outbox_unref (KvDbusOutbox *outbox);

/**
 * kv_dbus_outbox_begin:
 * @serial: (out): of the message: %KV_DBUS_FIRST_SERIAL or more
 *
 * Locks the outbox for one message to be written, by whoever has it in hand, without a copy.
 *
 * Returns: (transfer none) (nullable): where to write, until kv_dbus_outbox_end(); %NULL, and nothing is locked, when nothing
 *   goes out any more
 */
KvDbusBuffer *kv_dbus_outbox_begin (KvDbusOutbox *outbox, guint32 *serial);

/**
 * kv_dbus_outbox_end:
 *
 * The message is complete: it goes out behind all that was put in before.
 */
void kv_dbus_outbox_end (KvDbusOutbox *outbox);

/**
 * kv_dbus_outbox_put:
 * @data: (array length=length): messages
 * @descriptors: (array length=n_descriptors) (transfer full) (nullable): of the one message
 *
 * Puts in a copy of @data.
 */
void kv_dbus_outbox_put (KvDbusOutbox *outbox,
                         const void *data,
                         gsize length,
                         const int *descriptors,
                         guint n_descriptors);

/**
 * kv_dbus_outbox_get_length:
 *
 * Returns: the bytes that wait in it just now
 */
gsize kv_dbus_outbox_get_length (KvDbusOutbox *outbox);

/**
 * kv_dbus_outbox_wait_closed:
 *
 * Waits until nothing goes out any more. Blocks.
 */
void kv_dbus_outbox_wait_closed (KvDbusOutbox *outbox);

/* --- for the thread that has the socket --- */

/**
 * kv_dbus_outbox_take:
 * @cargo: (inout): one that is empty
 *
 * Takes everything out.
 */
void kv_dbus_outbox_take (KvDbusOutbox *outbox, KvDbusCargo *cargo);

/**
 * kv_dbus_outbox_get_descriptor:
 *
 * Returns: what can be read from when the thread is to wake up
 */
int kv_dbus_outbox_get_descriptor (const KvDbusOutbox *outbox);

/**
 * kv_dbus_outbox_sleep:
 *
 * Tells that the thread goes to sleep, to be woken by what is put in.
 *
 * Returns: %FALSE when there is something already: then it is not to sleep
 */
gboolean kv_dbus_outbox_sleep (KvDbusOutbox *outbox);

/**
 * kv_dbus_outbox_awake:
 * @was_woken: whether there was something to read from the descriptor
 *
 * Tells that the thread is awake, for whatever reason.
 */
void kv_dbus_outbox_awake (KvDbusOutbox *outbox, gboolean was_woken);

/**
 * kv_dbus_outbox_wake:
 *
 * Wakes the thread. Any thread.
 */
void kv_dbus_outbox_wake (KvDbusOutbox *outbox);

/**
 * kv_dbus_outbox_close:
 *
 * Throws away what is left: nothing goes out any more.
 */
void kv_dbus_outbox_close (KvDbusOutbox *outbox);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDbusOutbox, kv_dbus_outbox_unref)

G_END_DECLS
