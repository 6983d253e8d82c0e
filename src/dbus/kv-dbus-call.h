/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-handle.h"
#include "dbus/kv-dbus-message.h"
#include "dbus/kv-dbus-outbox.h"
#include "dbus/wire/kv-dbus-writer.h"

G_BEGIN_DECLS

/**
 * KvDbusCall:
 *
 * A method call that came over the bus and is still to be answered. It is answered once, by one of the functions that take
 * it over, now or later; those send nothing to a caller who wants no answer. It stands on its own: whatever happens to the
 * service meanwhile, it may still be answered. One thread at a time may have it.
 */
typedef struct _KvDbusCall KvDbusCall;

/**
 * KvDbusWriteFunc:
 * @data: what it is to be written from
 *
 * Writes the body of an answer. The outbox is locked meanwhile: nothing else is to be done.
 */
typedef void (*KvDbusWriteFunc) (KvDbusWriter *writer, gconstpointer data);

/**
 * KvDbusCallDoneFunc:
 * @method: as it was given to kv_dbus_call_new()
 * @error_name: (nullable): of the error that was the answer; %NULL for what the method returns
 *
 * The call has been answered or, with %KV_DBUS_CALL_DROPPED for a name, dropped. In the thread where that happens.
 */
typedef void (*KvDbusCallDoneFunc) (guint method, const char *error_name, gpointer user_data);

/**
 * KV_DBUS_CALL_DROPPED:
 *
 * What is told in place of an error's name when there was no answer.
 */
#define KV_DBUS_CALL_DROPPED ""

/**
 * kv_dbus_call_new:
 * @outbox: (transfer none): where the answer goes
 * @message: a method call. What descriptors came with it stay with it: see kv_dbus_call_set_handle()
 * @method: the number of what is called, for @done
 * @out_signature: what the method returns; static
 * @done: called once
 *
 * Returns: (transfer full): the call
 */
KvDbusCall *kv_dbus_call_new (KvDbusOutbox *outbox,
                              const KvDbusMessage *message,
                              guint method,
                              const char *out_signature,
                              KvDbusCallDoneFunc done,
                              gpointer user_data);

/**
 * kv_dbus_call_keep:
 *
 * Makes a copy of the message, so that path and parameters may be asked for after the message is gone.
 */
void kv_dbus_call_keep (KvDbusCall *call);

/**
 * kv_dbus_call_forget:
 *
 * Lets go of the copy, if there is one: neither path nor parameters will be asked for any more. For who answers only after a
 * long time.
 */
void kv_dbus_call_forget (KvDbusCall *call);

/**
 * kv_dbus_call_set_handle:
 * @handle: (transfer full): the descriptor that has come with it
 *
 * Gives @call what its handler wants to find there. It is closed when it is still there at the end.
 */
void kv_dbus_call_set_handle (KvDbusCall *call, KvDbusHandle *handle);

/**
 * kv_dbus_call_take_handle:
 *
 * Returns: (transfer full) (nullable): the descriptor that has come with it
 */
KvDbusHandle *kv_dbus_call_take_handle (KvDbusCall *call);

/**
 * kv_dbus_call_get_size:
 *
 * Returns: the bytes of the message
 */
gsize kv_dbus_call_get_size (const KvDbusCall *call);

/**
 * kv_dbus_call_get_sender:
 *
 * Returns: the unique name of the caller; empty on a connection without a bus
 */
const char *kv_dbus_call_get_sender (const KvDbusCall *call);

/**
 * kv_dbus_call_get_path:
 *
 * Returns: the path of the object that is called; as long as the message is there
 */
const char *kv_dbus_call_get_path (const KvDbusCall *call);

/**
 * kv_dbus_call_get_signature:
 *
 * Returns: the types of the parameters; as long as the message is there
 */
const char *kv_dbus_call_get_signature (const KvDbusCall *call);

/**
 * kv_dbus_call_init_reader:
 * @reader: (out): set to a cursor over the parameters; as long as the message is there
 */
void kv_dbus_call_init_reader (const KvDbusCall *call, KvDbusReader *reader);

/**
 * kv_dbus_call_return:
 * @call: (transfer full): a call
 * @write: (nullable): writes what the method returns; %NULL when that is nothing
 * @data: for @write, which is called before this returns, or not at all
 *
 * Answers @call.
 */
void kv_dbus_call_return (KvDbusCall *call, KvDbusWriteFunc write, gconstpointer data);

/**
 * kv_dbus_call_return_error:
 * @call: (transfer full): a call
 * @name: of the error, as the bus knows it
 * @text: for a person
 *
 * Answers @call with an error. For one of ours see kv_dbus_error_return().
 */
void kv_dbus_call_return_error (KvDbusCall *call, const char *name, const char *text);

/**
 * kv_dbus_call_drop:
 * @call: (transfer full): a call
 *
 * Leaves @call without an answer: nobody is left to receive it.
 */
void kv_dbus_call_drop (KvDbusCall *call);

G_END_DECLS
