local shop = throng.mod()

shop:sequence("shop", { steps = { "browse", "by", "leave" } }) --> buy

function shop:browse() end
function shop:buy() end
function shop:leave() end

return shop
