/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * KvDbusDetail:
 *
 * What may stand in the a{sv} that accompanies a value or a change. introspection/ tells what each means.
 */
typedef enum {
  KV_DBUS_DETAIL_REVISION,
  KV_DBUS_DETAIL_EXPIRES,
  KV_DBUS_DETAIL_VALUE_BYTES,
  KV_DBUS_DETAIL_VALUE_OMITTED,
  KV_DBUS_DETAIL_PRESENT,
  KV_DBUS_DETAIL_MORE,
  KV_DBUS_N_DETAILS,
} KvDbusDetail;

/**
 * KvDbusDetails:
 *
 * Details that are being collected: begin with `{ 0 }`, end with kv_dbus_details_end(). In place of a GVariantBuilder, which
 * parses and compares type strings at each step: that was most of what a reply cost.
 */
typedef struct {
  GVariant *entries[KV_DBUS_N_DETAILS]; /* (owned): floating */
  guint length;
} KvDbusDetails;

/**
 * kv_dbus_details_add:
 * @detail: one that has not been added yet
 * @value: (transfer floating): what it is
 */
void kv_dbus_details_add (KvDbusDetails *details, KvDbusDetail detail, GVariant *value);

/**
 * kv_dbus_details_end:
 *
 * Returns: (transfer floating): the details as a{sv}
 */
GVariant *kv_dbus_details_end (KvDbusDetails *details);

G_END_DECLS
