-- The one wrk script: `wrk … -- MODE [NUMBER …]`. Except for names, requests are built once, so
-- that the script costs the load generator nothing. done() prints the figures as a line of JSON.

local modes = {}

function modes.get() end

function modes.close()
    wrk.headers["Connection"] = "close"
end

function modes.post(size)
    wrk.method = "POST"
    wrk.body = string.rep("u", tonumber(size))
end

-- Every location of every server in turn, in leaps, so that neighbours are not asked together.
-- The query makes each request another string, so that few names cost wrk as much as many.
function modes.names(servers, locations)
    local all = servers * locations
    local requests = {}
    for i = 0, 49999 do
        local k = i * 7919 % all
        wrk.headers["Host"] = string.format("site%04d.example", math.floor(k / locations))
        requests[i + 1] = wrk.format("GET", string.format("/part%02d/page?%05d", k % locations, i))
    end
    local at = 0
    function request()
        at = at % #requests + 1
        return requests[at]
    end
end

function init(args)
    modes[args[1]](args[2], args[3])
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d, "refused": %d, "failed": %d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
