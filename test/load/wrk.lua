-- Asks for the targets of a file in turn, with the number of the request in place
-- of NUMBER, so that no two are the same; prints what was measured in one line.

local targets, n = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    targets[#targets + 1] = line
  end
  n = tonumber(args[2])
end

function request()
  n = n + 1
  return wrk.format("GET", (string.gsub(targets[n % #targets + 1], "NUMBER", n, 1)))
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("result %d %d %f %f %d\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
