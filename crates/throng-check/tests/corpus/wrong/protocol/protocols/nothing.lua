local nothing = {} -->

function nothing.head() end
