/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/kv-dbus-context.h"

G_BEGIN_DECLS

/**
 * KvDbusMethod:
 * @name: as the bus knows it
 * @handler: carries it out
 * @in_main: whether @handler touches what belongs to the service's main context and has to run there; any other handler
 *   touches the store alone, and runs in whatever thread the call is in
 * @takes_descriptor: whether the first parameter is a descriptor that has to have come with the call; any other one is closed
 *   before the handler runs
 * @is_charged: whether a call counts as a request of its caller
 * @has_entries: whether a call brings arrays of keys or entries, or says how many items it asks for (u), which count for more than one
 *   request
 * @in_signature: the types of what @handler takes
 * @out_signature: the types of what it returns
 * @number: which it is of all, below %KV_DBUS_N_METHODS
 *
 * A method of an object of the service. For ever, and never changed: any thread may read it.
 */
typedef struct {
  const char *name;
  KvDbusHandler handler;
  gboolean in_main;
  gboolean takes_descriptor;
  gboolean is_charged;
  gboolean has_entries;
  const char *in_signature;
  const char *out_signature;
  guint number;
} KvDbusMethod;

/**
 * KV_DBUS_N_METHODS:
 *
 * How many there can be, of all objects.
 */
#define KV_DBUS_N_METHODS 64

/**
 * kv_dbus_methods_find:
 * @head: of any message
 *
 * Finds what is called. What is not found is none of ours, and GDBus knows what to answer: the standard interfaces, unknown
 * methods, calls that name no interface. Any thread.
 *
 * Returns: (nullable): the method
 */
const KvDbusMethod *kv_dbus_methods_find (const KvDbusHead *head);

/**
 * kv_dbus_methods_get:
 *
 * Returns: (nullable): the method of that number, if there is one
 */
const KvDbusMethod *kv_dbus_methods_get (guint number);

/**
 * kv_dbus_methods_get_cost:
 * @parameters: a cursor over what is of the method's types, checked
 *
 * Returns: how many requests such a call counts for, 1 or more
 */
guint kv_dbus_methods_get_cost (const KvDbusMethod *method, const KvDbusReader *parameters);

G_END_DECLS
