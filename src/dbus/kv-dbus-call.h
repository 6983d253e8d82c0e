/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <gio/gio.h>

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
 * kv_dbus_call_new:
 * @message: a method call
 * @done: called once, when the call has been answered or dropped, in the thread where that happens
 *
 * Returns: (transfer full): the call
 */
KvDbusCall *kv_dbus_call_new (GDBusConnection *connection,
                              GDBusMessage *message,
                              GDestroyNotify done,
                              gpointer user_data);

/**
 * kv_dbus_call_get_sender:
 *
 * Returns: the unique name of the caller; empty on a connection without a bus
 */
const char *kv_dbus_call_get_sender (const KvDbusCall *call);

/**
 * kv_dbus_call_get_path:
 *
 * Returns: the path of the object that is called
 */
const char *kv_dbus_call_get_path (const KvDbusCall *call);

/**
 * kv_dbus_call_get_parameters:
 *
 * Returns: (transfer none): a tuple, which is empty when the message has no body
 */
GVariant *kv_dbus_call_get_parameters (const KvDbusCall *call);

/**
 * kv_dbus_call_return:
 * @call: (transfer full): a call
 * @values: (transfer floating) (nullable): a tuple of what the method returns; %NULL when that is nothing
 *
 * Answers @call.
 */
void kv_dbus_call_return (KvDbusCall *call, GVariant *values);

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
