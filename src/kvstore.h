/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#pragma once

/* What a program that uses libkvstore-1 includes. Inside this project nothing includes it. */

#include "core/kv-change.h"
#include "core/kv-clock.h"
#include "core/kv-entry.h"
#include "core/kv-error.h"
#include "core/kv-key.h"
#include "core/kv-operation.h"
#include "core/kv-transaction.h"
#include "store/kv-page.h"
#include "store/kv-store-list.h"
#include "store/kv-store.h"
#include "store/kv-watch.h"
