/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "store/kv-snapshot.h"

G_BEGIN_DECLS

/**
 * kv_snapshot_keep:
 * @snapshots: the first of the store's open snapshots
 * @entry: what is about to leave the table
 *
 * Leaves @entry with those that it belongs to and that have not come to its stripe. Under the commit lock.
 */
void kv_snapshot_keep (KvSnapshot *snapshots, KvEntry *entry);

G_END_DECLS
