/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "dbus/wire/kv-dbus-reader.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * variant_take:
 * @reader: a cursor that was checked for @signature
 *
 * Takes values with the functions that there are for them, one by one.
 *
 * Returns: (transfer floating): the same as a tuple of GVariant's
 */
GVariant *variant_take (KvDbusReader *reader, const char *signature);

G_END_DECLS
