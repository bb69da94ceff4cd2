-- For wrk: the requests of bench/load, each with an id of its own. REQUESTS names the file, RUN begins the ids.
local bodies, run, sent = {}, os.getenv("RUN"), 0
for line in io.lines(os.getenv("REQUESTS")) do
    bodies[#bodies + 1] = line
end

function request()
    sent = sent + 1
    local body = bodies[sent % #bodies + 1]
    body = body:gsub("{id}", string.format("%s-%011d", run, sent))
    body = body:gsub("{time}", os.date("!%Y-%m-%dT%H:%M:%SZ"))
    return wrk.format("POST", "/v1/decisions", {["Content-Type"] = "application/json"}, body)
end
